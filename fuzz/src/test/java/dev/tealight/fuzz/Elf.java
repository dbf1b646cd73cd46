// SPDX-License-Identifier: ISC
package dev.tealight.fuzz;

import dev.tealight.Image;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Puts notes into the smallest ELF executable that has them. */
final class Elf {
  static final int ABI_TYPE = 0x31494241;
  static final int MANIFEST_TYPE = 0x3154464d;

  private static final int HEADER_BYTE_SIZE = 64;
  private static final int PROGRAM_BYTE_SIZE = 56;

  private Elf() {}

  /** Returns an image with each of these as the content of a PT_NOTE segment. */
  static Image withNotes(List<byte[]> notes) {
    int offset = HEADER_BYTE_SIZE + PROGRAM_BYTE_SIZE * notes.size();
    byte[] image = new byte[offset + notes.stream().mapToInt(note -> note.length).sum()];
    ByteBuffer file = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
    file.putInt(0x464c457f).put((byte) 2).put((byte) 1).put((byte) 1).position(16);
    file.putShort((short) 2).putShort((short) 62).putInt(1).putLong(0x100000);
    file.putLong(HEADER_BYTE_SIZE).putLong(0).putInt(0);
    file.putShort((short) HEADER_BYTE_SIZE).putShort((short) PROGRAM_BYTE_SIZE);
    file.putShort((short) notes.size()).position(HEADER_BYTE_SIZE);
    for (byte[] note : notes) {
      file.putInt(4).putInt(4).putLong(offset).putLong(0).putLong(0);
      file.putLong(note.length).putLong(note.length).putLong(4);
      file.put(offset, note);
      offset += note.length;
    }
    return Image.of("fuzz", image);
  }

  /** Returns a Solo5 note. */
  static byte[] note(int type, byte[] descriptor) {
    byte[] bytes = new byte[20 + descriptor.length];
    ByteBuffer note = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    note.putInt(6).putInt(descriptor.length).putInt(type);
    note.put(new byte[] {'S', 'o', 'l', 'o', '5', 0, 0, 0}).put(descriptor);
    return bytes;
  }
}
