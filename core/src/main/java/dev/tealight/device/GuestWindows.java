// SPDX-License-Identifier: ISC
package dev.tealight.device;

import dev.tealight.GuestMemory;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * Guest memory as byte buffers that are made once, so that a request needs none. A buffer spans at
 * most 2 GiB, hence several, each reaching a little into the next. One thread at a time.
 */
public final class GuestWindows {

  /** The longest range a window gives, in bytes: 4 MiB. */
  public static final int MAX_BYTE_SIZE = 4 << 20;

  private static final long STEP = 1L << 30;

  private final ByteBuffer[] windows;

  /**
   * Makes the buffers.
   *
   * @param memory of the guest
   */
  public GuestWindows(GuestMemory memory) {
    MemorySegment whole = memory.unrestricted();
    windows = new ByteBuffer[(int) (memory.byteSize() / STEP) + 1];
    for (int i = 0; i < windows.length; i++) {
      long start = i * STEP;
      long length = Math.min(memory.byteSize() - start, STEP + MAX_BYTE_SIZE);
      windows[i] = whole.asSlice(start, length).asByteBuffer();
    }
  }

  /**
   * Returns a range of guest memory as the part between position and limit of a buffer, valid until
   * the next call.
   *
   * @param gpa first byte, checked to be inside memory with all of the range
   * @param byteSize at most {@link #MAX_BYTE_SIZE}
   * @return a buffer that is used again
   */
  public ByteBuffer range(long gpa, int byteSize) {
    int offset = (int) (gpa % STEP);
    return windows[(int) (gpa / STEP)].limit(offset + byteSize).position(offset);
  }
}
