// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.Vm;
import dev.tealight.ffi.posix.FreeBsdErrno;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The memory of a VM of the model: one segment, its mappings, and the guest's page tables. */
final class ModelMemory {
  /** The tables lead to an address without memory. */
  static final long OUTSIDE = -2;

  /** The address is not mapped by the tables. */
  static final long FAULT = -1;

  private static final long PAGE = 4096;
  private static final long PRESENT = 1;
  private static final long LARGE = 1 << 7;
  private static final long ADDRESS = 0x000f_ffff_ffff_f000L;

  /** A mapping of guest addresses. */
  record Mapping(long gpa, long byteSize, int prot) {
    boolean contains(long address) {
      return address >= gpa && address < gpa + byteSize;
    }
  }

  private final Vm segment;
  private final TreeMap<Long, Mapping> mappings = new TreeMap<>();

  ModelMemory(Vm segment) {
    this.segment = segment;
  }

  long byteSize() {
    return segment.memory().byteSize();
  }

  long hostAddress(long offset) {
    return segment.memory().unrestricted().address() + offset;
  }

  int count() {
    return mappings.size();
  }

  @Nullable Mapping at(long gpa) {
    var floor = mappings.floorEntry(gpa);
    return floor != null && floor.getValue().contains(gpa) ? floor.getValue() : null;
  }

  boolean overlaps(long gpa, long byteSize) {
    var before = mappings.lowerEntry(gpa + byteSize);
    return before != null && before.getValue().gpa() + before.getValue().byteSize() > gpa;
  }

  void map(Mapping mapping) {
    mappings.put(mapping.gpa(), mapping);
    protect();
  }

  boolean unmap(long gpa, long byteSize) {
    Mapping mapping = mappings.get(gpa);
    if (mapping == null || mapping.byteSize() != byteSize) {
      return false;
    }
    mappings.remove(gpa);
    protect();
    return true;
  }

  /** What is mapped may be used as the mapping says, the rest not at all. */
  private void protect() {
    List<Region> regions = new ArrayList<>();
    long covered = 0;
    for (Mapping each : mappings.values()) {
      hide(regions, covered, each.gpa());
      // Nested page tables cannot withhold reading from what is mapped.
      Protection allowed =
          new Protection((each.prot() & 5) != 0, (each.prot() & 2) != 0, (each.prot() & 4) != 0);
      regions.add(new Region(each.gpa(), each.byteSize(), allowed));
      covered = each.gpa() + each.byteSize();
    }
    hide(regions, covered, byteSize());
    segment.protect(regions);
  }

  private static void hide(List<Region> regions, long from, long to) {
    if (from < to) {
      regions.add(new Region(from, to - from, new Protection(false, false, false)));
    }
  }

  /**
   * {@return where a linear address leads in 64-bit mode, or {@link #FAULT} or {@link #OUTSIDE}}
   */
  long walk(long gla, long cr3) {
    long table = cr3 & ADDRESS;
    for (int shift = 39; ; shift -= 9) {
      long at = table + ((gla >>> shift) & 511) * 8;
      if (Long.compareUnsigned(at, byteSize() - 8) > 0) {
        return OUTSIDE;
      }
      long entry = segment.memory().unrestricted().get(JAVA_LONG_UNALIGNED, at);
      if ((entry & PRESENT) == 0) {
        return FAULT;
      }
      if (shift == 12 || (shift < 39 && (entry & LARGE) != 0)) {
        long mask = (1L << shift) - 1;
        return (entry & ADDRESS & ~mask) | (gla & mask);
      }
      table = entry & ADDRESS;
    }
  }

  /** {@return 0 or a negated errno} */
  long translate(VmmFacts facts, MemorySegment argument) {
    MemorySegment paging = argument.asSlice(facts.value("vm_gla2gpa.paging"));
    if (facts.getInt(paging, "vm_guest_paging.paging_mode") != facts.number("PAGING_MODE_64")) {
      return -FreeBsdErrno.EINVAL;
    }
    long gla = facts.getLong(argument, "vm_gla2gpa.gla");
    long gpa = walk(gla, facts.getLong(paging, "vm_guest_paging.cr3"));
    if (gpa == OUTSIDE) {
      return -FreeBsdErrno.EFAULT;
    }
    facts.putInt(argument, "vm_gla2gpa.fault", gpa == FAULT ? 1 : 0);
    facts.putLong(argument, "vm_gla2gpa.gpa", gpa);
    return 0;
  }

  /** {@return the bytes at a linear address, as many as there are up to 15} */
  byte[] instruction(long rip, long cr3) {
    byte[] bytes = new byte[15];
    for (int i = 0; i < bytes.length; i++) {
      long gpa = walk(rip + i, cr3);
      if (gpa < 0 || gpa >= byteSize()) {
        return Arrays.copyOf(bytes, i);
      }
      bytes[i] = segment.memory().unrestricted().get(JAVA_BYTE, gpa);
    }
    return bytes;
  }

  static boolean isPage(long value) {
    return value % PAGE == 0;
  }
}
