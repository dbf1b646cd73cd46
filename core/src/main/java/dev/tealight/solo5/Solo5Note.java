// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import dev.tealight.ImageException;
import dev.tealight.solo5.ElfReader.ProgramHeader;
import java.nio.ByteBuffer;
import java.util.Optional;

/** The two kinds of note by which Solo5 images describe themselves. */
enum Solo5Note {
  /** Target and version. */
  ABI(0x31494241, 4, 32),
  /** Devices. */
  MANIFEST(0x3154464d, 8, 6668);

  private static final int MIN_BYTE_SIZE = 12;
  static final int HEADER_BYTE_SIZE = 20;
  private static final int NAME_BYTE_SIZE = 6;
  private static final byte[] NAME = {'S', 'o', 'l', 'o', '5', 0};

  final int type;
  final int alignment;
  final int maxDescriptorByteSize;

  Solo5Note(int type, int alignment, int maxDescriptorByteSize) {
    this.type = type;
    this.alignment = alignment;
    this.maxDescriptorByteSize = maxDescriptorByteSize;
  }

  /**
   * Finds this note: the first in each PT_NOTE is looked at, the first that fits is taken.
   *
   * @return a copy of its content, little-endian; empty if the image has none
   * @throws ImageException if a note is damaged
   */
  Optional<ByteBuffer> find(ElfReader elf) {
    for (ProgramHeader header : elf.programHeaders()) {
      if (header.type() == ElfReader.PT_NOTE) {
        Optional<ByteBuffer> content = read(elf, header);
        if (content.isPresent()) {
          return content;
        }
      }
    }
    return Optional.empty();
  }

  private Optional<ByteBuffer> read(ElfReader elf, ProgramHeader header) {
    long fileByteSize = header.fileByteSize();
    if (Long.compareUnsigned(fileByteSize, MIN_BYTE_SIZE) < 0) {
      throw damaged(
          elf, header, "its %d bytes are less than a note header".formatted(fileByteSize));
    }
    if (Long.compareUnsigned(fileByteSize, HEADER_BYTE_SIZE) < 0) {
      return Optional.empty();
    }
    ByteBuffer note = elf.read(header.offset(), HEADER_BYTE_SIZE, "note of " + header.describe());
    if (note.getInt(0) != NAME_BYTE_SIZE || note.getInt(8) != type || !hasName(note)) {
      return Optional.empty();
    }
    long descriptorByteSize = Integer.toUnsignedLong(note.getInt(4));
    if (descriptorByteSize < 1 || descriptorByteSize > maxDescriptorByteSize) {
      throw damaged(
          elf,
          header,
          "its n_descsz is %d, expected 1 to %d"
              .formatted(descriptorByteSize, maxDescriptorByteSize));
    }
    if (Long.compareUnsigned(fileByteSize, HEADER_BYTE_SIZE + descriptorByteSize) < 0) {
      throw damaged(
          elf,
          header,
          "its n_descsz is %d, but its segment has only %d bytes"
              .formatted(descriptorByteSize, fileByteSize));
    }
    int contentOffset = (HEADER_BYTE_SIZE + alignment - 1) / alignment * alignment;
    // The padding in front of the content is counted in n_descsz.
    int contentByteSize = (int) descriptorByteSize - (contentOffset - HEADER_BYTE_SIZE);
    if (contentByteSize <= 0) {
      throw damaged(
          elf, header, "its n_descsz of %d leaves no content".formatted(descriptorByteSize));
    }
    return Optional.of(
        elf.read(
            header.offset() + contentOffset,
            contentByteSize,
            "note content of " + header.describe()));
  }

  private static boolean hasName(ByteBuffer note) {
    for (int i = 0; i < NAME.length; i++) {
      if (note.get(MIN_BYTE_SIZE + i) != NAME[i]) {
        return false;
      }
    }
    return true;
  }

  private ImageException damaged(ElfReader elf, ProgramHeader header, String why) {
    return new ImageException(
        "image %s: %s note does not fall within valid size: %s, %s"
            .formatted(elf.imageName(), this, header.describe(), why));
  }
}
