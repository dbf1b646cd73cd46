// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import dev.tealight.GuestAccessException;
import dev.tealight.device.FrameTransfer;
import dev.tealight.spi.BootContext.AttachedDevice;
import dev.tealight.spi.SharedWork;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The ring in which a guest leaves frames to send and buffers to fill, for all its network devices.
 * Indices count on for ever; an entry's place is its index modulo {@link #ENTRY_COUNT}.
 *
 * <p>The guest can write all of it at any time. What the monitor writes it never reads, and what
 * the guest writes it reads once.
 *
 * @see "Solo5 v0.12.1, include/hvt_ring.h"
 */
final class NetRing implements SharedWork {

  /** Bytes of the ring. */
  static final int BYTE_SIZE = 0xc080;

  /** The port of its doorbell. */
  static final int PORT = 0x600;

  /** How many submissions, and how many completions, it holds. */
  static final int ENTRY_COUNT = 1024;

  /** How many submissions are served at a time. */
  static final int BATCH = 64;

  // Written by the guest.
  static final long SUBMISSION_TAIL = 0;
  static final long COMPLETION_HEAD = 4;
  // Written by the monitor.
  static final long SUBMISSION_HEAD = 64;
  static final long COMPLETION_TAIL = 68;
  static final long NEEDS_KICK = 72;

  static final long SUBMISSIONS = 128;
  static final int SUBMISSION_BYTE_SIZE = 32;
  static final long OPERATION = 0;
  static final long HANDLE = 4;
  static final long BUFFER = 8;
  static final long LENGTH = 16;
  static final long ID = 20;

  static final long COMPLETIONS = 32896;
  static final int COMPLETION_BYTE_SIZE = 16;
  static final long COMPLETED_ID = 0;
  static final long RESULT = 4;
  static final long RECEIVED = 8;

  static final int WRITE = 1;
  static final int READ = 2;

  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle INDEX = INT.varHandle();
  private static final int MAX_HANDLES = 64;

  private final MemorySegment ring;
  private final @Nullable FrameTransfer[] devices = new FrameTransfer[MAX_HANDLES];
  private volatile int submissionHead;
  private int completionTail;

  /**
   * Creates a ring without entries.
   *
   * @param memory of the guest, unrestricted
   * @param gpa of the ring, aligned to 8 bytes; zero-filled
   * @param devices those with frames are served
   */
  NetRing(MemorySegment memory, long gpa, List<AttachedDevice> devices) {
    ring = memory.asSlice(gpa, BYTE_SIZE);
    for (AttachedDevice device : devices) {
      this.devices[device.declared().handle()] = device.frames().orElse(null);
    }
  }

  @Override
  public boolean isPending() {
    // Volatile, see wantDoorbell.
    return (int) INDEX.getVolatile(ring, SUBMISSION_TAIL) != submissionHead;
  }

  @Override
  public void wantDoorbell(boolean wanted) {
    // Volatile, so that neither side looks at the other's word before its own is to be seen.
    INDEX.setVolatile(ring, NEEDS_KICK, wanted ? 1 : 0);
  }

  @Override
  public boolean serve() {
    int tail = (int) INDEX.getAcquire(ring, SUBMISSION_TAIL);
    int head = submissionHead;
    int count = tail - head;
    if (count < 0 || count > ENTRY_COUNT) {
      throw new GuestAccessException(
          "submission tail 0x%x is not within %d of head 0x%x".formatted(tail, ENTRY_COUNT, head));
    }
    int end = head + Math.min(count, BATCH);
    try {
      while (head != end) {
        serve(head);
        head++;
      }
    } finally {
      retire(head);
    }
    return head != tail;
  }

  /** Lets the guest use the places before {@code head} again. */
  private void retire(int head) {
    if (submissionHead != head) {
      submissionHead = head;
      INDEX.setRelease(ring, SUBMISSION_HEAD, head);
    }
  }

  private void serve(int index) {
    long entry = SUBMISSIONS + (long) (index & (ENTRY_COUNT - 1)) * SUBMISSION_BYTE_SIZE;
    int operation = ring.get(INT, entry + OPERATION);
    int handle = ring.get(INT, entry + HANDLE);
    long gpa = ring.get(LONG, entry + BUFFER);
    long length = Integer.toUnsignedLong(ring.get(INT, entry + LENGTH));
    int id = ring.get(INT, entry + ID);
    FrameTransfer device = handle >= 0 && handle < MAX_HANDLES ? devices[handle] : null;
    switch (operation) {
      case WRITE -> {
        if (device != null) {
          // Nobody is told what became of it.
          int _ = device.send(gpa, length);
        }
      }
      case READ -> {
        // A guest that waits for this may go on as soon as it is complete, and then expects that
        // earlier frames are sent.
        retire(index);
        int received = device == null ? -FrameTransfer.EINVAL : device.receive(gpa, length);
        complete(id, received);
      }
      default -> {} // consumed, as by Solo5's tender
    }
  }

  private void complete(int id, int received) {
    int taken = (int) INDEX.getAcquire(ring, COMPLETION_HEAD);
    int waiting = completionTail - taken;
    if (waiting < 0 || waiting >= ENTRY_COUNT) {
      throw new GuestAccessException(
          "completion head 0x%x leaves no room for completion 0x%x of %d"
              .formatted(taken, completionTail, ENTRY_COUNT));
    }
    long entry = COMPLETIONS + (long) (completionTail & (ENTRY_COUNT - 1)) * COMPLETION_BYTE_SIZE;
    ring.set(INT, entry + COMPLETED_ID, id);
    ring.set(INT, entry + RESULT, received > 0 ? FrameTransfer.OK : -received);
    ring.set(INT, entry + RECEIVED, Math.max(received, 0));
    INDEX.setRelease(ring, COMPLETION_TAIL, ++completionTail);
  }
}
