// SPDX-License-Identifier: ISC
package dev.tealight;

import java.util.Objects;

/**
 * How a VM is made.
 *
 * @param memoryByteSize bytes of guest memory, a positive multiple of {@link
 *     GuestMemory#PAGE_BYTE_SIZE}
 * @param hugePages how the memory is backed
 */
public record VmOptions(long memoryByteSize, HugePages hugePages) {

  /** Whether the host backs guest memory with large pages. */
  public enum HugePages {
    /** As the backend thinks best: not for memory that is likely to stay nearly untouched. */
    AUTO,
    /**
     * Ask for large pages: fewer faults and faster first touch, more memory for a guest that
     * touches little.
     */
    ALWAYS,
    /** Only the smallest pages. */
    NEVER
  }

  /** Checks the size. */
  public VmOptions {
    Objects.requireNonNull(hugePages, "hugePages");
    if (memoryByteSize <= 0 || memoryByteSize % GuestMemory.PAGE_BYTE_SIZE != 0) {
      throw new ConfigurationException(
          "guest memory of %d bytes: give a positive multiple of %d"
              .formatted(memoryByteSize, GuestMemory.PAGE_BYTE_SIZE));
    }
  }

  /**
   * Returns options with {@link HugePages#AUTO}.
   *
   * @param memoryByteSize bytes of guest memory
   * @return the options
   */
  public static VmOptions ofMemory(long memoryByteSize) {
    return new VmOptions(memoryByteSize, HugePages.AUTO);
  }
}
