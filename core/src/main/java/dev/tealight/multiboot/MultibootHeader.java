// SPDX-License-Identifier: ISC
package dev.tealight.multiboot;

import dev.tealight.Image;
import dev.tealight.ImageException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * What a kernel tells its boot loader: little-endian words, in the first 8 KiB of the file.
 *
 * @param fileOffset where the header is in the file
 * @param flags what the kernel wants
 * @param headerAddress where the header is in memory; this and what follows are 0 unless {@link
 *     #hasAddresses}
 * @param loadAddress of the first byte that is loaded
 * @param loadEnd behind the last byte that is loaded, or 0 for all of the file
 * @param bssEnd behind the last byte that is cleared, or 0 for none
 * @param entry of the first instruction
 */
public record MultibootHeader(
    long fileOffset,
    int flags,
    long headerAddress,
    long loadAddress,
    long loadEnd,
    long bssEnd,
    long entry) {

  private static final int MAGIC = 0x1badb002;
  private static final int SEARCHED_BYTE_SIZE = 8192;
  private static final int MIN_BYTE_SIZE = 12;
  private static final int ADDRESSES_BYTE_SIZE = 32;

  private static final int PAGE_ALIGNED_MODULES = 1;
  private static final int MEMORY_INFORMATION = 1 << 1;
  private static final int VIDEO_MODE = 1 << 2;
  private static final int ADDRESSES = 1 << 16;

  /** Flags in this half must be understood, those above may be ignored. */
  private static final int MANDATORY = 0xffff;

  /** {@return whether the kernel says itself where it is loaded; else its ELF segments do} */
  public boolean hasAddresses() {
    return (flags & ADDRESSES) != 0;
  }

  /** {@return whether modules must start at a page} */
  public boolean alignsModules() {
    return (flags & PAGE_ALIGNED_MODULES) != 0;
  }

  /** {@return whether the kernel would like a video mode, which it does not get} */
  public boolean wantsVideo() {
    return (flags & VIDEO_MODE) != 0;
  }

  /**
   * Finds the header of an image.
   *
   * @param image what to search
   * @return the header, or empty if there is none
   * @throws ImageException if there is one that asks for what cannot be given, or is cut off
   */
  public static Optional<MultibootHeader> find(Image image) {
    int byteSize = (int) Math.min(image.byteSize(), SEARCHED_BYTE_SIZE);
    ByteBuffer start =
        ByteBuffer.wrap(image.read(0, byteSize, "first bytes")).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at + MIN_BYTE_SIZE <= byteSize; at += Integer.BYTES) {
      int flags = start.getInt(at + 4);
      if (start.getInt(at) == MAGIC && MAGIC + flags + start.getInt(at + 8) == 0) {
        return Optional.of(read(image, start, at, flags));
      }
    }
    return Optional.empty();
  }

  private static MultibootHeader read(Image image, ByteBuffer start, int at, int flags) {
    int unknown = flags & MANDATORY & ~(PAGE_ALIGNED_MODULES | MEMORY_INFORMATION | VIDEO_MODE);
    if (unknown != 0) {
      throw new ImageException(
          "image %s has a multiboot header at offset 0x%x that asks for 0x%x, which is not known"
              .formatted(image.name(), at, unknown));
    }
    if ((flags & ADDRESSES) == 0) {
      return new MultibootHeader(at, flags, 0, 0, 0, 0, 0);
    }
    if (at + ADDRESSES_BYTE_SIZE > start.limit()) {
      throw new ImageException(
          "image %s ends inside its multiboot header at offset 0x%x".formatted(image.name(), at));
    }
    return new MultibootHeader(
        at,
        flags,
        word(start, at + 12),
        word(start, at + 16),
        word(start, at + 20),
        word(start, at + 24),
        word(start, at + 28));
  }

  private static long word(ByteBuffer start, int at) {
    return Integer.toUnsignedLong(start.getInt(at));
  }
}
