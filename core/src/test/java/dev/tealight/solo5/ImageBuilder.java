// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * Writes hvt images, right ones and wrong ones. File layout: ELF header, program headers, then each
 * program header's content in turn.
 */
public final class ImageBuilder {
  static final int HEADER_BYTE_SIZE = 64;
  static final int PROGRAM_BYTE_SIZE = 56;
  static final int PT_LOAD = 1;
  static final int PT_NOTE = 4;
  static final int EXECUTE = 1;
  static final int WRITE = 2;
  static final int READ = 4;
  static final int ABI_TYPE = 0x31494241;
  static final int MANIFEST_TYPE = 0x3154464d;
  static final int BLOCK = 1;
  static final int NET = 2;
  static final int RESERVED = 0x40000000;
  static final long BASE = 0x100000;

  /** A program header with what it describes; fields that are empty follow from the content. */
  static final class Program {
    int type;
    int flags;
    OptionalLong offset = OptionalLong.empty();
    long address;
    OptionalLong fileByteSize = OptionalLong.empty();
    OptionalLong memoryByteSize = OptionalLong.empty();
    long alignment = 0x1000;
    byte[] content;

    Program(int type, int flags, long address, byte[] content) {
      this.type = type;
      this.flags = flags;
      this.address = address;
      this.content = content;
    }

    Program offset(long value) {
      offset = OptionalLong.of(value);
      return this;
    }

    Program address(long value) {
      address = value;
      return this;
    }

    Program fileByteSize(long value) {
      fileByteSize = OptionalLong.of(value);
      return this;
    }

    Program memoryByteSize(long value) {
      memoryByteSize = OptionalLong.of(value);
      return this;
    }

    Program alignment(long value) {
      alignment = value;
      return this;
    }

    Program flags(int value) {
      flags = value;
      return this;
    }
  }

  private record Patch(int offset, int width, long value) {}

  final List<Program> programs = new ArrayList<>();
  private final List<Patch> patches = new ArrayList<>();
  private long entry = BASE + 0x20;

  private ImageBuilder() {}

  /** Starts with nothing but an ELF header. */
  static ImageBuilder empty() {
    return new ImageBuilder();
  }

  /** Starts with what today's toolchain writes for a small guest without devices. */
  public static ImageBuilder hello() {
    return empty()
        .program(segment(EXECUTE, BASE, 0x40))
        .program(segment(READ, BASE + 0x1000, 0x30))
        .program(segment(READ | WRITE, BASE + 0x2000, 0x20).memoryByteSize(0x28))
        .program(segment(READ, 0, 0)) // empty .tdata
        .program(segment(READ | WRITE, BASE + 0x3000, 0).memoryByteSize(0x8000)) // .bss
        .program(note(1, "OpenBSD", new byte[4]))
        .abi(HvtAbi.TARGET_HVT, HvtAbi.VERSION)
        .manifest(manifest());
  }

  /** Returns a loadable segment whose bytes count up from its place among all bytes. */
  static Program segment(int flags, long address, int byteSize) {
    byte[] content = new byte[byteSize];
    for (int i = 0; i < byteSize; i++) {
      content[i] = (byte) ((address >> 12) + i + 1);
    }
    return new Program(PT_LOAD, flags, address, content);
  }

  /** Returns a note; the descriptor is everything behind the name. */
  static Program note(int type, String name, byte[] descriptor) {
    byte[] note = new byte[20 + descriptor.length];
    byte[] nameBytes = name.getBytes(StandardCharsets.US_ASCII);
    little(note).putInt(nameBytes.length + 1).putInt(descriptor.length).putInt(type).put(nameBytes);
    System.arraycopy(descriptor, 0, note, 20, descriptor.length);
    Program program = new Program(PT_NOTE, READ, 0, note);
    program.alignment = 4;
    return program;
  }

  static Program abiNote(int target, int version) {
    byte[] info = new byte[16];
    little(info).putInt(target).putInt(version);
    return note(ABI_TYPE, "Solo5", info);
  }

  /** Returns a manifest note; the manifest is aligned to 8 bytes, hence the padding. */
  static Program manifestNote(byte[] manifest) {
    byte[] padded = new byte[4 + manifest.length];
    System.arraycopy(manifest, 0, padded, 4, manifest.length);
    return note(MANIFEST_TYPE, "Solo5", padded);
  }

  /** A device in a manifest. */
  public record Device(String name, int type) {}

  /** Returns a manifest in its binary form. */
  static byte[] manifest(Device... devices) {
    byte[] bytes = new byte[8 + 104 * (devices.length + 1)];
    ByteBuffer manifest = little(bytes);
    manifest.putInt(1).putInt(devices.length + 1).putInt(8 + 68, RESERVED);
    for (int i = 0; i < devices.length; i++) {
      int at = 8 + 104 * (i + 1);
      manifest.put(at, devices[i].name().getBytes(StandardCharsets.US_ASCII));
      manifest.putInt(at + 68, devices[i].type());
    }
    return bytes;
  }

  ImageBuilder program(Program program) {
    programs.add(program);
    return this;
  }

  ImageBuilder abi(int target, int version) {
    programs.removeIf(program -> isNote(program, ABI_TYPE));
    return program(abiNote(target, version));
  }

  ImageBuilder manifest(byte[] manifest) {
    programs.removeIf(program -> isNote(program, MANIFEST_TYPE));
    return program(manifestNote(manifest));
  }

  public ImageBuilder devices(Device... devices) {
    return manifest(manifest(devices));
  }

  private static boolean isNote(Program program, int type) {
    return program.type == PT_NOTE && little(program.content).getInt(8) == type;
  }

  ImageBuilder entry(long address) {
    entry = address;
    return this;
  }

  /** Overwrites bytes of the finished file. */
  ImageBuilder patch(int offset, int width, long value) {
    patches.add(new Patch(offset, width, value));
    return this;
  }

  public byte[] build() {
    int byteSize = HEADER_BYTE_SIZE + PROGRAM_BYTE_SIZE * programs.size();
    int contentOffset = byteSize;
    for (Program program : programs) {
      byteSize += program.content.length;
    }
    byte[] image = new byte[byteSize];
    ByteBuffer file = little(image);
    file.putInt(0x464c457f).put((byte) 2).put((byte) 1).put((byte) 1).position(16);
    file.putShort((short) 2).putShort((short) 62).putInt(1).putLong(entry);
    file.putLong(HEADER_BYTE_SIZE).putLong(0).putInt(0);
    file.putShort((short) HEADER_BYTE_SIZE).putShort((short) PROGRAM_BYTE_SIZE);
    file.putShort((short) programs.size()).position(HEADER_BYTE_SIZE);
    for (Program program : programs) {
      long length = program.content.length;
      long fileByteSize = program.fileByteSize.orElse(length);
      file.putInt(program.type).putInt(program.flags);
      file.putLong(program.offset.orElse(contentOffset));
      file.putLong(program.address).putLong(program.address).putLong(fileByteSize);
      file.putLong(program.memoryByteSize.orElse(fileByteSize));
      file.putLong(program.alignment);
      file.put(contentOffset, program.content);
      contentOffset += program.content.length;
    }
    for (Patch patch : patches) {
      for (int i = 0; i < patch.width; i++) {
        file.put(patch.offset + i, (byte) (patch.value >> (8 * i)));
      }
    }
    return image;
  }

  private static ByteBuffer little(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
