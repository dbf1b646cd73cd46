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

  /** In place of page tables: linear addresses are guest physical ones. */
  static final long FLAT = -1;

  private static final long PAGE = 4096;
  private static final long PRESENT = 1;
  private static final long WRITABLE = 1 << 1;
  private static final long USER = 1 << 2;
  private static final long LARGE = 1 << 7;
  private static final long ADDRESS = 0x000f_ffff_ffff_f000L;

  /** A mapping of guest addresses to a part of a segment. */
  record Mapping(long gpa, int segment, long offset, long byteSize, int prot) {
    boolean contains(long address) {
      return address >= gpa && address < gpa + byteSize;
    }

    /** The software CPU has one memory, which lies where its segment has it. */
    boolean isExecuted() {
      return segment == 0 && gpa == offset;
    }
  }

  /**
   * Where a linear address leads.
   *
   * @param gpa the guest physical address, {@link #FAULT} or {@link #OUTSIDE}
   * @param rights what all tables on the way allow
   * @param table where the walk ended
   */
  record Walk(long gpa, long rights, long table) {}

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

  /** {@return the mapping with the lowest address from here on, or null} */
  @Nullable Mapping next(long gpa) {
    var next = mappings.ceilingEntry(gpa);
    return next == null ? null : next.getValue();
  }

  /** {@return whether there is memory at an address that the guest may not use} */
  boolean isForbidden(long gpa) {
    Mapping mapping = at(gpa);
    if (mapping != null && !mapping.isExecuted()) {
      throw new AssertionError("the model executes only what lies where its segment has it");
    }
    return mapping != null;
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

  void unmapDevices() {
    mappings.values().removeIf(mapping -> mapping.segment() != 0);
  }

  /** What is mapped may be used as the mapping says, the rest not at all. */
  private void protect() {
    List<Region> regions = new ArrayList<>();
    long covered = 0;
    for (Mapping each : mappings.values()) {
      if (!each.isExecuted()) {
        continue;
      }
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

  /** {@return where a linear address leads in 64-bit mode, or without paging} */
  Walk walk(long gla, long cr3) {
    if (cr3 == FLAT) {
      return new Walk(gla & 0xffff_ffffL, WRITABLE | USER, 0);
    }
    long table = cr3 & ADDRESS;
    long rights = WRITABLE | USER;
    for (int shift = 39; ; shift -= 9) {
      long at = table + ((gla >>> shift) & 511) * 8;
      if (Long.compareUnsigned(at, byteSize() - 8) > 0) {
        return new Walk(OUTSIDE, 0, at);
      }
      long entry = segment.memory().unrestricted().get(JAVA_LONG_UNALIGNED, at);
      if ((entry & PRESENT) == 0) {
        return new Walk(FAULT, 0, at);
      }
      rights &= entry;
      if (shift == 12 || (shift < 39 && (entry & LARGE) != 0)) {
        long mask = (1L << shift) - 1;
        return new Walk((entry & ADDRESS & ~mask) | (gla & mask), rights, at);
      }
      table = entry & ADDRESS;
    }
  }

  /** {@return 0 or a negated errno} */
  long translate(VmmFacts facts, MemorySegment argument) {
    MemorySegment paging = argument.asSlice(facts.value("vm_gla2gpa.paging"));
    int mode = facts.getInt(paging, "vm_guest_paging.paging_mode");
    boolean flat = mode == facts.number("PAGING_MODE_FLAT");
    if (!flat && mode != facts.number("PAGING_MODE_64")) {
      return -FreeBsdErrno.EINVAL;
    }
    long gla = facts.getLong(argument, "vm_gla2gpa.gla");
    Walk walk = walk(gla, flat ? FLAT : facts.getLong(paging, "vm_guest_paging.cr3"));
    if (walk.gpa() == OUTSIDE) {
      return -FreeBsdErrno.EFAULT;
    }
    boolean write = (facts.getInt(argument, "vm_gla2gpa.prot") & facts.number("PROT_WRITE")) != 0;
    boolean user = facts.getInt(paging, "vm_guest_paging.cpl") == 3;
    long needed = (write ? WRITABLE : 0) | (user ? USER : 0);
    boolean fault = walk.gpa() == FAULT || (walk.rights() & needed) != needed;
    facts.putInt(argument, "vm_gla2gpa.fault", fault ? 1 : 0);
    if (!fault) { // else it stays as it was given
      facts.putLong(argument, "vm_gla2gpa.gpa", walk.gpa());
    }
    return 0;
  }

  /** {@return the eight bytes at an aligned linear address that the guest has mapped} */
  long load(long gla, long cr3) {
    return segment.memory().unrestricted().get(JAVA_LONG_UNALIGNED, walk(gla, cr3).gpa());
  }

  /** Writes eight bytes at an aligned linear address that the guest has mapped. */
  void store(long gla, long cr3, long value) {
    segment.memory().unrestricted().set(JAVA_LONG_UNALIGNED, walk(gla, cr3).gpa(), value);
  }

  /** {@return the bytes at a linear address, as many as there are up to 15} */
  byte[] instruction(long rip, long cr3) {
    byte[] bytes = new byte[15];
    for (int i = 0; i < bytes.length; i++) {
      long gpa = walk(rip + i, cr3).gpa();
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
