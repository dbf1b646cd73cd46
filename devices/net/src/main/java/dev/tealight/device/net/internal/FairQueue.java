// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import dev.tealight.ReadinessSource;
import dev.tealight.Waiter;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Frames on their way to one receiver, in a buffer of bounded size. Each sender has a lane, and the
 * lanes take turns; a sender gets at most as much of the buffer as it leaves free. So one that
 * sends without end delays the others' frames by one of its own at a time, and takes no room from
 * them.
 *
 * <p>The buffer is cut into cells; a frame is a chain of cells. Any thread; nothing is allocated
 * but for a sender's first frame, and when more frames wait than ever before.
 */
public final class FairQueue implements ReadinessSource {
  private static final int CELL_BYTE_SIZE = 256;
  private static final int BLOCK_CELLS = 256;
  private static final int NONE = -1;

  private final byte[][] blocks; // of cells; empty until the first of them is used
  private final int[] next; // the cell behind a cell, in a frame or in the list of free cells
  private final int[] lengths; // of the frame, at its first cell
  private final int[] followers; // the first cell of the lane's next frame, at a first cell
  private int free = NONE; // the first of the list
  private int used; // cells from here on have not been used yet, and are not in the list
  private volatile int freeCount; // written with the lock; see isFull

  // By lane.
  private int[] first = new int[0];
  private int[] last = new int[0];
  private int[] cells = new int[0];
  private int[] turns = new int[0]; // a ring of the lanes that have frames
  private int turn;
  private int turnCount;

  private @Nullable Waiter waiter;
  private boolean watched;
  private volatile boolean taken;
  private boolean closed;

  /**
   * Creates an empty queue.
   *
   * @param byteSize of the buffer at most, rounded down to whole cells
   */
  public FairQueue(int byteSize) {
    int count = byteSize / CELL_BYTE_SIZE;
    blocks = new byte[Math.ceilDiv(count, BLOCK_CELLS)][0];
    next = new int[count];
    lengths = new int[count];
    followers = new int[count];
    freeCount = count;
  }

  /**
   * Adds a frame.
   *
   * @param lane of the sender, from 0; lanes are numbered densely
   * @param frame holds the frame from its start
   * @param byteSize of the frame, at least 1
   * @return false if there is no room for it
   */
  public boolean offer(int lane, byte[] frame, int byteSize) {
    int needed = Math.ceilDiv(byteSize, CELL_BYTE_SIZE);
    return !isFull(lane, needed) && append(lane, frame, byteSize, needed);
  }

  /**
   * {@return whether there is no room for a frame of that many cells} Also asked without the lock:
   * a sender that floods the queue would hardly ever let the receiver have it. The answer is then
   * true for some moment during the call.
   */
  private boolean isFull(int lane, int needed) {
    int room = freeCount; // before what is written before it
    int[] held = cells;
    int own = lane < held.length ? held[lane] : 0;
    return needed > room || (own > 0 && own + needed > room);
  }

  private synchronized boolean append(int lane, byte[] frame, int byteSize, int needed) {
    if (lane >= first.length) {
      addLanes(lane + 1);
    }
    if (closed || isFull(lane, needed)) {
      return false;
    }
    makeBlocks(needed);
    int start = takeCell();
    int cell = start;
    int copied = 0;
    while (true) {
      int length = Math.min(byteSize - copied, CELL_BYTE_SIZE);
      System.arraycopy(frame, copied, block(cell), position(cell), length);
      copied += length;
      if (copied == byteSize) {
        break;
      }
      int following = takeCell();
      next[cell] = following;
      cell = following;
    }
    next[cell] = NONE;
    lengths[start] = byteSize;
    link(lane, start, needed);
    freeCount -= needed;
    announce();
    return true;
  }

  /** Makes sure that so many cells can be taken; an error of the heap leaves all as it was. */
  private void makeBlocks(int needed) {
    int listed = freeCount - (next.length - used);
    int end = used + needed - listed;
    for (int i = used / BLOCK_CELLS; i * BLOCK_CELLS < end; i++) {
      if (blocks[i].length == 0) {
        blocks[i] = new byte[BLOCK_CELLS * CELL_BYTE_SIZE];
      }
    }
  }

  private int takeCell() {
    if (free == NONE) {
      return used++;
    }
    int cell = free;
    free = next[cell];
    return cell;
  }

  private byte[] block(int cell) {
    return blocks[cell / BLOCK_CELLS];
  }

  private static int position(int cell) {
    return cell % BLOCK_CELLS * CELL_BYTE_SIZE;
  }

  private void link(int lane, int start, int count) {
    followers[start] = NONE;
    if (first[lane] == NONE) {
      first[lane] = start;
      turns[(turn + turnCount++) % turns.length] = lane;
    } else {
      followers[last[lane]] = start;
    }
    last[lane] = start;
    cells[lane] += count;
  }

  private void announce() {
    if (watched) {
      watched = false;
      notifyAll();
      if (waiter != null) {
        waiter.wake();
      }
    }
  }

  private void addLanes(int count) {
    int known = first.length;
    first = Arrays.copyOf(first, count);
    last = Arrays.copyOf(last, count);
    cells = Arrays.copyOf(cells, count);
    Arrays.fill(first, known, count, NONE);
    int[] ring = new int[count];
    for (int i = 0; i < turnCount; i++) {
      ring[i] = turns[(turn + i) % turns.length];
    }
    turns = ring;
    turn = 0;
  }

  /**
   * Takes the next frame.
   *
   * @param target that holds the buffer
   * @param offset of the buffer's first byte
   * @param byteSize of the buffer; of a longer frame the rest is lost
   * @return how many bytes were filled, or 0 if there is no frame
   */
  public synchronized int poll(MemorySegment target, long offset, int byteSize) {
    if (turnCount == 0) {
      return 0;
    }
    int lane = turns[turn];
    turn = (turn + 1) % turns.length;
    turnCount--;
    int start = first[lane];
    int wanted = Math.min(lengths[start], byteSize);
    int cell = start;
    int count = 0;
    int end;
    do {
      int copied = count * CELL_BYTE_SIZE;
      int length = Math.min(wanted - copied, CELL_BYTE_SIZE);
      if (length > 0) {
        MemorySegment.copy(
            block(cell), position(cell), target, ValueLayout.JAVA_BYTE, offset + copied, length);
      }
      count++;
      end = cell;
      cell = next[cell];
    } while (cell != NONE);
    next[end] = free;
    free = start;
    cells[lane] -= count;
    freeCount += count;
    taken = true;
    first[lane] = followers[start];
    if (first[lane] != NONE) {
      turns[(turn + turnCount++) % turns.length] = lane;
    }
    return wanted;
  }

  /** {@return whether a frame was taken since this was asked last: the receiver is at work} */
  public boolean wasTakenFrom() {
    boolean was = taken;
    taken = false;
    return was;
  }

  /** {@return whether there is a frame; if not, the next one wakes the waiter} */
  @Override
  public synchronized boolean isReady() {
    watched = turnCount == 0;
    return !watched;
  }

  @Override
  public synchronized void attach(Waiter waiter) {
    this.waiter = waiter;
  }

  /**
   * Waits for a frame.
   *
   * @param nanos at most so long
   * @return whether there is one
   * @throws InterruptedException if the thread is interrupted
   */
  public synchronized boolean await(long nanos) throws InterruptedException {
    long deadline = System.nanoTime() + nanos;
    while (!isReady() && !closed) {
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        return false;
      }
      TimeUnit.NANOSECONDS.timedWait(this, left);
    }
    return turnCount > 0;
  }

  /** Takes no more frames, and ends waits. */
  public synchronized void close() {
    closed = true;
    watched = true;
    announce();
  }
}
