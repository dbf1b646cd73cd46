// SPDX-License-Identifier: ISC
package dev.tealight.multiboot;

import dev.tealight.Image;
import dev.tealight.ImageException;
import dev.tealight.multiboot.MultibootImage.Segment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** Where the parts of a kernel go: by its header's addresses, or by its ELF program headers. */
final class Segments {
  private static final long ADDRESS_LIMIT = 1L << 32;

  /** What of a file goes to memory is held until the kernel is loaded. */
  private static final long MAX_LOADED_BYTE_SIZE = 1L << 30;

  private static final int ELF_HEADER_BYTE_SIZE = 64;
  private static final int ELF_MAGIC = 0x464c457f;
  private static final int PT_LOAD = 1;

  /** More than any linker makes, and few enough to compare each with each. */
  private static final int MAX_PROGRAM_HEADERS = 64;

  /**
   * What is loaded.
   *
   * @param contents the bytes of each segment
   */
  record Loaded(long entry, List<Segment> segments, List<byte[]> contents) {}

  private final Image image;
  private final List<Segment> segments = new ArrayList<>();
  private final List<byte[]> contents = new ArrayList<>();
  private long loadedByteSize;

  private Segments(Image image) {
    this.image = image;
  }

  static Loaded read(Image image, MultibootHeader header) {
    Segments segments = new Segments(image);
    long entry =
        header.hasAddresses() ? segments.readAddresses(header) : segments.readProgramHeaders();
    if (segments.segments.stream().noneMatch(segment -> segment.contains(entry))) {
      throw segments.refused("its entry point 0x%x is in none of its segments".formatted(entry));
    }
    return new Loaded(entry, List.copyOf(segments.segments), List.copyOf(segments.contents));
  }

  private long readAddresses(MultibootHeader header) {
    if (header.headerAddress() < header.loadAddress()) {
      throw refused(
          "its header_addr 0x%x is below its load_addr 0x%x"
              .formatted(header.headerAddress(), header.loadAddress()));
    }
    long offset = header.fileOffset() - (header.headerAddress() - header.loadAddress());
    if (offset < 0) {
      throw refused(
          "its load_addr 0x%x is 0x%x bytes before the start of the file"
              .formatted(header.loadAddress(), -offset));
    }
    long fileByteSize =
        header.loadEnd() == 0 ? image.byteSize() - offset : header.loadEnd() - header.loadAddress();
    long end = Math.max(header.bssEnd(), header.loadAddress() + fileByteSize);
    if (fileByteSize <= 0 || (header.bssEnd() != 0 && header.bssEnd() < end)) {
      throw refused(
          "its load_addr 0x%x, load_end_addr 0x%x and bss_end_addr 0x%x are not in order"
              .formatted(header.loadAddress(), header.loadEnd(), header.bssEnd()));
    }
    add("load address range", offset, header.loadAddress(), fileByteSize, end);
    return header.entry();
  }

  /** 32-bit files as the specification has it, and 64-bit ones as boot loaders take them. */
  private long readProgramHeaders() {
    ByteBuffer elf = bytes(0, ELF_HEADER_BYTE_SIZE, "ELF header");
    boolean wide = elf.get(4) == 2;
    if (elf.getInt(0) != ELF_MAGIC || elf.get(5) != 1 || (!wide && elf.get(4) != 1)) {
      throw refused("it gives no load addresses and is no little-endian ELF file");
    }
    long tableOffset = wide ? elf.getLong(32) : word(elf, 28);
    int entryByteSize = elf.getShort(wide ? 54 : 42) & 0xffff;
    int count = elf.getShort(wide ? 56 : 44) & 0xffff;
    if (count > MAX_PROGRAM_HEADERS || entryByteSize != (wide ? 56 : 32)) {
      throw refused(
          "it has %d program headers of %d bytes, expected at most %d of %d"
              .formatted(count, entryByteSize, MAX_PROGRAM_HEADERS, wide ? 56 : 32));
    }
    ByteBuffer table = bytes(tableOffset, count * entryByteSize, "program header table");
    for (int i = 0; i < count; i++) {
      int at = i * entryByteSize;
      if (table.getInt(at) != PT_LOAD) {
        continue;
      }
      long offset = wide ? table.getLong(at + 8) : word(table, at + 4);
      long address = wide ? table.getLong(at + 24) : word(table, at + 12);
      long fileByteSize = wide ? table.getLong(at + 32) : word(table, at + 16);
      long memoryByteSize = wide ? table.getLong(at + 40) : word(table, at + 20);
      if (fileByteSize < 0 || memoryByteSize < fileByteSize || memoryByteSize > ADDRESS_LIMIT) {
        throw refused(
            "its program header %d has %d bytes in the file and %d in memory"
                .formatted(i, fileByteSize, memoryByteSize));
      }
      if (memoryByteSize > 0) {
        add("program header " + i, offset, address, fileByteSize, address + memoryByteSize);
      }
    }
    return wide ? elf.getLong(24) : word(elf, 24);
  }

  private void add(String what, long offset, long address, long fileByteSize, long end) {
    if (address < MultibootImage.LOWEST_ADDRESS || end > ADDRESS_LIMIT || end < address) {
      throw refused(
          "its %s goes to 0x%x, expected 0x%x or above and below 4 GiB"
              .formatted(what, address, MultibootImage.LOWEST_ADDRESS));
    }
    for (Segment other : segments) {
      if (address < other.end() && other.gpa() < end) {
        throw refused("its %s overlaps what goes to 0x%x".formatted(what, other.gpa()));
      }
    }
    // Together: segments that share bytes of the file would take more of the heap than the file.
    long limit = Math.min(image.byteSize(), MAX_LOADED_BYTE_SIZE) - loadedByteSize;
    if (fileByteSize > limit) {
      throw refused(
          "its %s has %d bytes, but the file has only %d for it"
              .formatted(what, fileByteSize, limit));
    }
    loadedByteSize += fileByteSize;
    contents.add(image.read(offset, (int) fileByteSize, what));
    segments.add(new Segment(address, fileByteSize, end - address));
  }

  private ByteBuffer bytes(long offset, int byteSize, String what) {
    return ByteBuffer.wrap(image.read(offset, byteSize, what)).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static long word(ByteBuffer bytes, int at) {
    return Integer.toUnsignedLong(bytes.getInt(at));
  }

  private ImageException refused(String why) {
    return new ImageException("multiboot image %s: %s".formatted(image.name(), why));
  }
}
