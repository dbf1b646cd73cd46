// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import dev.tealight.GuestMemory;
import dev.tealight.ImageException;
import dev.tealight.Protection;
import dev.tealight.solo5.ElfReader.ProgramHeader;
import dev.tealight.solo5.HvtImage.Segment;
import java.util.ArrayList;
import java.util.List;

/** Reads the loadable segments and checks them, in the order of the reference tender. */
final class SegmentReader {
  private static final int FLAG_EXECUTE = 1;
  private static final int FLAG_WRITE = 2;
  private static final int FLAG_READ = 4;

  /** Far beyond what a linker writes; each may cost the host a memory slot. */
  private static final int MAX_SEGMENTS = 64;

  private final ElfReader elf;
  private final List<ProgramHeader> headers = new ArrayList<>();
  private final List<Segment> segments = new ArrayList<>();

  SegmentReader(ElfReader elf) {
    this.elf = elf;
    long previousGpa = 0;
    long previousEnd = 0;
    long fileByteSize = 0;
    for (ProgramHeader header : elf.programHeaders()) {
      // A segment without bytes in the file is either zero-filled memory or an empty placeholder at
      // address 0: guest memory is zero anyway, and the reference looks at neither.
      if (header.type() == ElfReader.PT_LOAD && header.fileByteSize() != 0) {
        Segment segment = check(header, previousGpa, previousEnd);
        headers.add(header);
        segments.add(segment);
        previousGpa = segment.gpa();
        previousEnd = segment.end();
        fileByteSize += segment.fileByteSize();
      }
    }
    if (segments.size() > MAX_SEGMENTS) {
      throw new ImageException(
          "image %s has %d loadable segments, expected at most %d"
              .formatted(elf.imageName(), segments.size(), MAX_SEGMENTS));
    }
    if (fileByteSize > elf.byteSize()) {
      // No linker writes that, and a small file could make its reader hold gigabytes.
      throw new ImageException(
          "image %s has only %d bytes, fewer than its segments together, which share some of them"
              .formatted(elf.imageName(), elf.byteSize()));
    }
  }

  private Segment check(ProgramHeader header, long previousGpa, long previousEnd) {
    long gpa = header.virtualAddress();
    long alignment = header.alignment();
    require(
        header,
        Long.compareUnsigned(gpa, HvtAbi.LOAD_BASE) >= 0,
        "is loaded at p_vaddr 0x%x, below 0x%x",
        gpa,
        HvtAbi.LOAD_BASE);
    require(
        header,
        Long.compareUnsigned(gpa, previousGpa) >= 0,
        "is loaded at p_vaddr 0x%x, below an earlier one at 0x%x",
        gpa,
        previousGpa);
    require(
        header,
        Long.bitCount(alignment) == 1,
        "has p_align 0x%x, which is no power of two",
        alignment,
        0);
    // From here on nothing can overflow: all addresses are below 4 GiB, all sums are of values
    // checked against that.
    require(
        header,
        Long.compareUnsigned(gpa, HvtAbi.MEMORY_LIMIT) < 0,
        "is loaded at p_vaddr 0x%x, above 0x%x",
        gpa,
        HvtAbi.MEMORY_LIMIT);
    require(
        header,
        alignment > 0 && alignment <= HvtAbi.MEMORY_LIMIT,
        "has p_align 0x%x, above 0x%x",
        alignment,
        HvtAbi.MEMORY_LIMIT);
    long start = gpa & -alignment;
    require(
        header,
        start >= HvtAbi.LOAD_BASE,
        "begins, aligned, at 0x%x, below 0x%x",
        start,
        HvtAbi.LOAD_BASE);
    require(
        header,
        start >= previousEnd,
        "begins, aligned, at 0x%x, inside an earlier one to 0x%x",
        start,
        previousEnd);
    long fileByteSize = header.fileByteSize();
    long memoryByteSize = header.memoryByteSize();
    long room = HvtAbi.MEMORY_LIMIT - gpa;
    require(
        header,
        fileByteSize > 0 && fileByteSize <= Integer.MAX_VALUE - 8,
        "has p_filesz 0x%x, expected at most 0x%x",
        fileByteSize,
        Integer.MAX_VALUE - 8);
    require(
        header,
        fileByteSize <= room,
        "has p_filesz 0x%x, which leaves 0x%x bytes of memory",
        fileByteSize,
        room);
    require(
        header,
        Long.compareUnsigned(memoryByteSize, fileByteSize) >= 0,
        "has p_memsz 0x%x, less than its p_filesz 0x%x",
        memoryByteSize,
        fileByteSize);
    require(
        header,
        Long.compareUnsigned(memoryByteSize, room) <= 0,
        "has p_memsz 0x%x, which leaves 0x%x bytes of memory",
        memoryByteSize,
        room);
    // Not above the limit either, which is a multiple of every alignment that got here.
    long end = (gpa + memoryByteSize + alignment - 1) & -alignment;
    require(
        header,
        (start | end) % GuestMemory.PAGE_BYTE_SIZE == 0,
        "is from 0x%x to 0x%x, aligned, which is not on page boundaries",
        start,
        end);
    int flags = header.flags();
    boolean execute = (flags & FLAG_EXECUTE) != 0;
    boolean write = (flags & FLAG_WRITE) != 0;
    require(header, !(execute && write), "is both writable and executable (p_flags %d)", flags, 0);
    Protection protection = new Protection((flags & FLAG_READ) != 0, write, execute);
    return new Segment(gpa, fileByteSize, memoryByteSize, start, end, protection);
  }

  private void require(
      ProgramHeader header, boolean rule, String complaint, long value, long bound) {
    if (!rule) {
      throw new ImageException(
          "image %s: segment of %s %s"
              .formatted(elf.imageName(), header.describe(), complaint.formatted(value, bound)));
    }
  }

  List<Segment> segments() {
    return segments;
  }

  /** Returns the bytes that the image holds for a segment. */
  byte[] content(int index) {
    ProgramHeader header = headers.get(index);
    return elf.read(header.offset(), (int) header.fileByteSize(), "segment of " + header.describe())
        .array();
  }
}
