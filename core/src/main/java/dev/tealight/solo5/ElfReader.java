// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import dev.tealight.Image;
import dev.tealight.ImageException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the headers of a statically linked 64-bit ELF executable. What an image says is copied once
 * and checked; the image is not looked at again for it.
 */
final class ElfReader {
  private static final int HEADER_BYTE_SIZE = 64;
  private static final int PROGRAM_HEADER_BYTE_SIZE = 56;
  private static final int MAGIC = 0x464c457f;

  /** ELF's program header types that matter here. */
  static final int PT_LOAD = 1;

  static final int PT_NOTE = 4;

  /** A program header, as it is in the file. */
  record ProgramHeader(
      int index,
      int type,
      int flags,
      long offset,
      long virtualAddress,
      long fileByteSize,
      long memoryByteSize,
      long alignment) {

    String describe() {
      return "program header " + index;
    }
  }

  private final Image image;
  private final int machine;
  private final long entry;
  private final List<ProgramHeader> programHeaders;

  /**
   * Reads and checks the headers.
   *
   * @throws ImageException if this is no such executable; names the field
   */
  ElfReader(Image image) {
    this.image = image;
    if (image.byteSize() < HEADER_BYTE_SIZE) {
      throw new ImageException(
          "image %s is no ELF executable: it has %d bytes, its header alone needs %d"
              .formatted(image.name(), image.byteSize(), HEADER_BYTE_SIZE));
    }
    ByteBuffer header = read(0, HEADER_BYTE_SIZE, "ELF header");
    if (header.getInt(0) != MAGIC) {
      throw new ImageException(
          "image %s is no ELF executable: it starts with 0x%08x instead of 0x%08x"
              .formatted(
                  image.name(),
                  Integer.reverseBytes(header.getInt(0)),
                  Integer.reverseBytes(MAGIC)));
    }
    expect("class at offset 4", header.get(4), 2, "64-bit");
    expect("data encoding at offset 5", header.get(5), 1, "little-endian");
    expect(
        "e_type at offset 16", header.getShort(16) & 0xffff, 2, "a statically linked executable");
    expect("e_version at offset 20", header.getInt(20), 1, "the only version");
    expect("e_ehsize at offset 52", header.getShort(52) & 0xffff, HEADER_BYTE_SIZE, "bytes");
    expect(
        "e_phentsize at offset 54",
        header.getShort(54) & 0xffff,
        PROGRAM_HEADER_BYTE_SIZE,
        "bytes");
    machine = header.getShort(18) & 0xffff;
    entry = header.getLong(24);
    int count = header.getShort(56) & 0xffff;
    if (count == 0) {
      throw new ImageException(
          "image %s has no program headers (e_phnum at offset 56)".formatted(image.name()));
    }
    programHeaders = readProgramHeaders(header.getLong(32), count);
  }

  private void expect(String field, int value, int expected, String meaning) {
    if (value != expected) {
      throw new ImageException(
          "image %s has ELF %s = %d, expected %d (%s)"
              .formatted(image.name(), field, value, expected, meaning));
    }
  }

  private List<ProgramHeader> readProgramHeaders(long offset, int count) {
    ByteBuffer table = read(offset, count * PROGRAM_HEADER_BYTE_SIZE, "program header table");
    List<ProgramHeader> headers = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      int at = i * PROGRAM_HEADER_BYTE_SIZE;
      headers.add(
          new ProgramHeader(
              i,
              table.getInt(at),
              table.getInt(at + 4),
              table.getLong(at + 8),
              table.getLong(at + 16),
              table.getLong(at + 32),
              table.getLong(at + 40),
              table.getLong(at + 48)));
    }
    return List.copyOf(headers);
  }

  /** Returns bytes of the file, little-endian. */
  ByteBuffer read(long offset, int byteSize, String what) {
    return ByteBuffer.wrap(image.read(offset, byteSize, what)).order(ByteOrder.LITTLE_ENDIAN);
  }

  String imageName() {
    return image.name();
  }

  long byteSize() {
    return image.byteSize();
  }

  int machine() {
    return machine;
  }

  long entry() {
    return entry;
  }

  List<ProgramHeader> programHeaders() {
    return programHeaders;
  }
}
