// SPDX-License-Identifier: ISC
package dev.tealight.testkit;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Makes images for Solo5's target virtio of multiboot kernels, which are such images but for two
 * notes and the width of the ELF file.
 */
public final class VirtioImage {
  private static final int PT_LOAD = 1;
  private static final int PT_NOTE = 4;
  private static final int HEADER_BYTE_SIZE = 64;
  private static final int PROGRAM_BYTE_SIZE = 56;
  private static final int NARROW_PROGRAM_BYTE_SIZE = 32;
  private static final int ABI_TYPE = 0x31494241;
  private static final int MANIFEST_TYPE = 0x3154464d;
  private static final int VIRTIO = 3;
  private static final int ENTRY_BYTE_SIZE = 104;
  private static final int NAME_BYTE_SIZE = 68;
  private static final int RESERVED = 0x40000000;

  private VirtioImage() {}

  /**
   * A device in the manifest.
   *
   * @param name letters and digits, at most 67
   * @param type 1 for BLOCK_BASIC, 2 for NET_BASIC
   */
  public record Device(String name, int type) {}

  @SuppressWarnings("ArrayRecordComponent") // nobody compares them
  private record Program(int type, long address, byte[] content, long memoryByteSize) {}

  /**
   * {@return an image}
   *
   * @param kernel a 32-bit ELF file, for instance {@code Guests.kernel("pc")}
   * @param devices for the manifest, in order
   */
  public static byte[] of(byte[] kernel, Device... devices) {
    ByteBuffer file = little(kernel);
    List<Program> programs = new ArrayList<>();
    for (int i = 0; i < file.getShort(44); i++) {
      int at = file.getInt(28) + i * NARROW_PROGRAM_BYTE_SIZE;
      if (file.getInt(at) == PT_LOAD) {
        int offset = file.getInt(at + 4);
        byte[] content = Arrays.copyOfRange(kernel, offset, offset + file.getInt(at + 16));
        programs.add(new Program(PT_LOAD, file.getInt(at + 12), content, file.getInt(at + 20)));
      }
    }
    programs.add(note(ABI_TYPE, abi()));
    programs.add(note(MANIFEST_TYPE, manifest(devices)));
    return write(file.getInt(24), programs);
  }

  private static byte[] abi() {
    byte[] abi = new byte[16];
    little(abi).putInt(VIRTIO).putInt(1);
    return abi;
  }

  /** The manifest is aligned to 8 bytes, hence 4 of padding in front. */
  private static byte[] manifest(Device... devices) {
    byte[] bytes = new byte[12 + ENTRY_BYTE_SIZE * (devices.length + 1)];
    ByteBuffer manifest = little(bytes);
    manifest.putInt(4, 1).putInt(8, devices.length + 1).putInt(12 + NAME_BYTE_SIZE, RESERVED);
    for (int i = 0; i < devices.length; i++) {
      int at = 12 + ENTRY_BYTE_SIZE * (i + 1);
      manifest.put(at, devices[i].name().getBytes(StandardCharsets.US_ASCII));
      manifest.putInt(at + NAME_BYTE_SIZE, devices[i].type());
    }
    return bytes;
  }

  private static Program note(int type, byte[] descriptor) {
    byte[] bytes = new byte[20 + descriptor.length];
    ByteBuffer note = little(bytes);
    note.putInt(6).putInt(descriptor.length).putInt(type);
    note.put("Solo5\0\0\0".getBytes(StandardCharsets.US_ASCII)).put(descriptor);
    return new Program(PT_NOTE, 0, bytes, bytes.length);
  }

  private static byte[] write(long entry, List<Program> programs) {
    int offset = HEADER_BYTE_SIZE + PROGRAM_BYTE_SIZE * programs.size();
    int byteSize = offset;
    for (Program program : programs) {
      byteSize += padded(program);
    }
    byte[] image = new byte[byteSize];
    ByteBuffer file = little(image);
    file.putInt(0x464c457f).put((byte) 2).put((byte) 1).put((byte) 1).position(16);
    file.putShort((short) 2).putShort((short) 62).putInt(1).putLong(entry);
    file.putLong(HEADER_BYTE_SIZE).putLong(0).putInt(0);
    file.putShort((short) HEADER_BYTE_SIZE).putShort((short) PROGRAM_BYTE_SIZE);
    file.putShort((short) programs.size()).position(HEADER_BYTE_SIZE);
    for (Program program : programs) {
      file.putInt(program.type()).putInt(7).putLong(offset);
      file.putLong(program.address()).putLong(program.address());
      file.putLong(program.content().length).putLong(program.memoryByteSize()).putLong(4);
      file.put(offset, program.content());
      offset += padded(program);
    }
    return image;
  }

  private static int padded(Program program) {
    return (program.content().length + 7) & -8;
  }

  private static ByteBuffer little(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
