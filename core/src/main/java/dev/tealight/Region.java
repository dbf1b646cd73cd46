// SPDX-License-Identifier: ISC
package dev.tealight;

import java.util.Objects;

/**
 * A page-aligned range of guest memory with one protection.
 *
 * @param gpa first byte, a multiple of {@link GuestMemory#PAGE_BYTE_SIZE}
 * @param byteSize positive multiple of {@link GuestMemory#PAGE_BYTE_SIZE}
 * @param protection what the guest may do there
 */
public record Region(long gpa, long byteSize, Protection protection) {

  /** Checks alignment and size. */
  public Region {
    Objects.requireNonNull(protection, "protection");
    if (gpa < 0 || byteSize <= 0 || gpa > Long.MAX_VALUE - byteSize) {
      throw new IllegalArgumentException(
          "region gpa=0x%x byteSize=%d is empty or wraps".formatted(gpa, byteSize));
    }
    if ((gpa | byteSize) % GuestMemory.PAGE_BYTE_SIZE != 0) {
      throw new IllegalArgumentException(
          "region gpa=0x%x byteSize=%d is not aligned to pages of %d bytes"
              .formatted(gpa, byteSize, GuestMemory.PAGE_BYTE_SIZE));
    }
  }

  /** {@return the first address behind the region} */
  public long end() {
    return gpa + byteSize;
  }
}
