// SPDX-License-Identifier: ISC
package dev.tealight.internal.console;

import dev.tealight.Console;
import dev.tealight.ReadinessSource;
import dev.tealight.Waiter;
import dev.tealight.device.GuestCall;
import dev.tealight.device.Outcome;
import dev.tealight.internal.host.Threads;
import dev.tealight.spi.ConsoleOutput;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A {@link Console} at work: a ring of bytes between the vCPU thread, which fills it, and the
 * console thread, which empties it into the sink.
 */
public final class ConsoleQueue implements ConsoleOutput, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ConsoleQueue.class);
  private static final int DIRECT_CHUNK = 8 * 1024;

  /** After so many bytes without a queue, the loop gets the chance to stop the guest. */
  private static final long DIRECT_LIMIT = 1 << 20;

  private final Console console;
  private final Console.Sink sink;
  private final String name;
  private final ThreadFactory threads;
  private final Room room = new Room();
  private final List<ReadinessSource> roomOnly = List.of(room);

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition filled = lock.newCondition();
  private final Condition emptied = lock.newCondition();
  // All guarded by the lock.
  private byte @Nullable [] ring;
  private int head;
  private int used;
  private boolean writing;
  private boolean finishing; // what there is of a last line is wanted
  private boolean closed;
  private @Nullable Thread writer;
  private long droppedByteCount;
  private boolean broken;

  // The write under way; vCPU thread only.
  private boolean single; // one byte, which is not in guest memory
  private byte singleByte;
  private long gpa;
  private long left;
  private long deadlineNanos;

  /**
   * Creates one; nothing is started yet.
   *
   * @param console where the bytes go
   * @param name of the monitor, for the thread's name and messages
   */
  public ConsoleQueue(Console console, String name) {
    this(console, name, Thread.ofPlatform().daemon().name("console-" + name).factory());
  }

  /** As the public one, with who makes the console thread. */
  ConsoleQueue(Console console, String name, ThreadFactory threads) {
    this.console = console;
    this.sink = console.sink();
    this.name = name;
    this.threads = threads;
  }

  /**
   * Connects it to the waiter of the guest that fills it.
   *
   * @param waiter woken when there is room again
   */
  public void attach(Waiter waiter) {
    room.attach(waiter);
  }

  @Override
  public Outcome write(GuestCall call, long gpa, long byteSize) {
    call.memory().checkRead(gpa, byteSize);
    single = false;
    this.gpa = gpa;
    return begin(call, byteSize);
  }

  @Override
  public Outcome write(GuestCall call, byte value) {
    single = true;
    singleByte = value;
    return begin(call, 1);
  }

  private Outcome begin(GuestCall call, long byteSize) {
    left = byteSize;
    deadlineNanos = call.time().deadlineAfter(TimeUnit.NANOSECONDS.convert(console.patience()));
    return resume(call);
  }

  private void fetch(GuestCall call, byte[] target, int offset, int count) {
    if (single) {
      target[offset] = singleByte;
    } else {
      call.memory().copyOut(gpa, target, offset, count);
      gpa += count;
    }
    left -= count;
  }

  @Override
  public Outcome resume(GuestCall call) {
    if (!console.isQueued()) {
      return writeDirectly(call);
    }
    lock.lock();
    try {
      enqueue(call);
      if (left == 0) {
        return Outcome.CONTINUE;
      }
      if (broken || call.time().monotonicNanos() >= deadlineNanos) {
        drop(left);
        left = 0;
        return Outcome.CONTINUE;
      }
    } finally {
      lock.unlock();
    }
    return call.waitFor(deadlineNanos, roomOnly);
  }

  private void enqueue(GuestCall call) {
    byte[] bytes = ring;
    if (bytes == null) {
      bytes = new byte[console.capacity()];
      ring = bytes;
    }
    if (writer == null && left > 0 && !broken) {
      startWriter();
    }
    while (left > 0 && used < bytes.length && !broken) {
      int tail = (head + used) % bytes.length;
      int contiguous = tail < head ? head - tail : bytes.length - tail;
      int count = (int) Math.min(left, Math.min(contiguous, bytes.length - used));
      fetch(call, bytes, tail, count);
      used += count;
    }
    if (used > 0) {
      filled.signal();
    }
  }

  /** Before anything is in the queue that nobody would empty. */
  private void startWriter() {
    try {
      Thread started = threads.newThread(this::drainToSink);
      started.start();
      writer = started;
    } catch (OutOfMemoryError e) { // how the JVM says that the host has no more threads
      LOG.warn("console of {} has no thread, the guest's output is dropped", name, e);
      broken = true;
    }
  }

  private Outcome writeDirectly(GuestCall call) {
    byte[] bytes = ring;
    if (bytes == null) {
      bytes = new byte[DIRECT_CHUNK];
      ring = bytes;
    }
    long rest = Math.max(0, left - DIRECT_LIMIT);
    while (left > rest) {
      int count = (int) Math.min(left - rest, bytes.length);
      fetch(call, bytes, 0, count);
      deliver(bytes, count, false);
    }
    return left == 0 ? Outcome.CONTINUE : call.waitFor(call.time().monotonicNanos(), roomOnly);
  }

  /** Runs on the console thread until closed and empty. */
  private void drainToSink() {
    byte[] chunk = new byte[Math.min(console.capacity(), 16 * 1024)];
    while (true) {
      int count;
      boolean last;
      boolean wasFull;
      lock.lock();
      try {
        while (used == 0 && !finishing) {
          if (closed) {
            return;
          }
          filled.awaitUninterruptibly();
        }
        wasFull = used == Objects.requireNonNull(ring).length;
        count = take(chunk);
        last = finishing && used == 0;
        writing = true;
      } finally {
        lock.unlock();
      }
      if (wasFull) { // a guest waits for room only then
        room.wake();
      }
      deliver(chunk, count, last);
      lock.lock();
      try {
        writing = false;
        finishing &= !last;
        emptied.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  private int take(byte[] chunk) {
    byte[] bytes = Objects.requireNonNull(ring);
    int count = Math.min(used, Math.min(chunk.length, bytes.length - head));
    System.arraycopy(bytes, head, chunk, 0, count);
    head = (head + count) % bytes.length;
    used -= count;
    return count;
  }

  private void deliver(byte[] bytes, int count, boolean last) {
    try {
      if (!isBroken()) {
        if (count > 0) {
          sink.write(bytes, 0, count);
        }
        if (last && sink instanceof LineSplitter lines) {
          lines.finish();
        }
        return;
      }
    } catch (IOException | RuntimeException | Error e) {
      LOG.warn("console of {} failed, its further output is dropped", name, e);
      lock.lock();
      try {
        broken = true;
        drop(used);
        used = 0;
      } finally {
        lock.unlock();
      }
      room.wake();
    }
    lock.lock();
    try {
      drop(count);
    } finally {
      lock.unlock();
    }
  }

  private boolean isBroken() {
    lock.lock();
    try {
      return broken;
    } finally {
      lock.unlock();
    }
  }

  private void drop(long byteCount) {
    if (droppedByteCount == 0 && byteCount > 0) {
      LOG.warn("console of {} cannot take the guest's output, dropping it", name);
    }
    droppedByteCount += byteCount;
  }

  /** {@return how many bytes were dropped so far; any thread} */
  public long droppedByteCount() {
    lock.lock();
    try {
      return droppedByteCount;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until all output is with the sink, for no longer than the console's patience. Any thread
   * but the sink's.
   *
   * @param atMost a shorter bound
   * @throws InterruptedException if the calling thread is interrupted
   */
  public void drain(Duration atMost) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long nanos =
          Math.min(
              TimeUnit.NANOSECONDS.convert(atMost),
              TimeUnit.NANOSECONDS.convert(console.patience()));
      if (sink instanceof LineSplitter && writer != null && !closed) {
        finishing = true;
        filled.signal();
      }
      while (isBusy() && nanos > 0) {
        nanos = emptied.awaitNanos(nanos);
      }
    } finally {
      lock.unlock();
    }
  }

  private boolean isBusy() {
    return used > 0 || writing || finishing;
  }

  /**
   * Hands over what is left and ends the console thread, whatever the calling thread's interrupt
   * status. A sink that is stuck is waited for as long as the console's patience is; then what it
   * did not take is lost.
   */
  @Override
  public void close() {
    boolean interrupted = false;
    long start = System.nanoTime();
    for (boolean drained = false; !drained; ) {
      try {
        drain(console.patience().minusNanos(System.nanoTime() - start));
        drained = true;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    Threads.join(shutDown());
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Returns the console thread if it is about to end, null if there is none or it is stuck in the
   * sink.
   */
  private @Nullable Thread shutDown() {
    lock.lock();
    try {
      closed = true;
      filled.signal();
      if (!isBusy()) {
        return writer;
      }
      LOG.warn("console of {} is stuck in its sink, {} bytes are lost", name, used);
      droppedByteCount += used;
      used = 0;
      return null;
    } finally {
      lock.unlock();
    }
  }

  /** Room in the queue, as something a guest waits for. */
  private final class Room implements ReadinessSource {
    @Override
    public boolean isSeenByGuest() {
      return false;
    }

    private volatile @Nullable Waiter waiter;

    @Override
    public boolean isReady() {
      lock.lock();
      try {
        return broken || ring == null || used < ring.length;
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void attach(Waiter waiter) {
      this.waiter = waiter;
    }

    void wake() {
      Waiter target = waiter;
      if (target != null) {
        target.wake();
      }
    }
  }
}
