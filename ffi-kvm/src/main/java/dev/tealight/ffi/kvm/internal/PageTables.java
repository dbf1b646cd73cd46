// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.GuestMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A guest's own page tables, of four levels. The guest may have put anything into them.
 *
 * @see "Intel SDM volume 3, 4.5 (4-level paging)"
 */
final class PageTables {
  /** What {@link #translate} gives for an address without memory. */
  static final long ABSENT = -1;

  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final int LEVELS = 4;
  private static final int ENTRIES = 512;

  /** Enough for 4 GiB in small pages. */
  private static final int TABLE_LIMIT = 2_560;

  private static final long PRESENT = 1;
  private static final long USER = 4;
  private static final long LARGE = 0x80;
  private static final long ADDRESS = 0x000ffffffffff000L;

  /** Bits of CR3 that are no part of an address, and must not be set. */
  private static final int RESERVED_BIT = 52;

  private final GuestMemory memory;
  private final long root;

  /**
   * Finds the tables.
   *
   * @param cr3 the control register that points to them
   */
  PageTables(GuestMemory memory, long cr3) {
    this.memory = memory;
    root = cr3 & ADDRESS;
  }

  /** {@return whether a processor takes a value for CR3} */
  static boolean isRoot(long cr3) {
    return cr3 >>> RESERVED_BIT == 0;
  }

  /** {@return whether bits 63 to 47 are equal, as they are in an address} */
  static boolean isCanonical(long linear) {
    return linear >> 47 == linear >> 63;
  }

  /**
   * {@return the gpa of a byte, or {@link #ABSENT}}
   *
   * @param linear its address in the guest
   */
  long translate(long linear) {
    if (!isCanonical(linear)) {
      return ABSENT;
    }
    long table = root;
    for (int level = LEVELS; level > 0; level--) {
      long entry = entry(slot(table, linear, level));
      if ((entry & PRESENT) == 0) {
        return ABSENT;
      }
      if (level == 1 || (level < LEVELS && (entry & LARGE) != 0)) {
        long within = (1L << shift(level)) - 1;
        long gpa = (entry & ADDRESS & ~within) | (linear & within);
        return Long.compareUnsigned(gpa, memory.byteSize()) < 0 ? gpa : ABSENT;
      }
      table = entry & ADDRESS;
    }
    throw new AssertionError("the last level was left");
  }

  /**
   * Lets unprivileged code use a page.
   *
   * @param linear any address in it
   * @return whether that changed something; not if the page is absent
   * @throws dev.tealight.GuestAccessException if the tables are protected or outside memory
   */
  boolean openToUser(long linear) {
    boolean changed = false;
    long table = root;
    for (int level = LEVELS; level > 0; level--) {
      long slot = slot(table, linear, level);
      long entry = entry(slot);
      if ((entry & PRESENT) == 0) {
        return false;
      }
      if ((entry & USER) == 0) {
        memory.writeLong(slot, entry | USER);
        changed = true;
      }
      if (level < LEVELS && (entry & LARGE) != 0) {
        break;
      }
      table = entry & ADDRESS;
    }
    return changed;
  }

  /**
   * Lets unprivileged code use all that is mapped.
   *
   * @throws IllegalArgumentException if there are more tables than anyone needs
   */
  void openToUser() {
    if (open(root, LEVELS, 0) > TABLE_LIMIT) {
      throw new IllegalArgumentException(
          "there are more than %d page tables".formatted(TABLE_LIMIT));
    }
  }

  /** {@return how many tables were seen, counted from those seen before} */
  private int open(long table, int level, int seen) {
    seen++;
    for (int i = 0; i < ENTRIES && seen <= TABLE_LIMIT; i++) {
      long slot = table + 8L * i;
      long entry = entry(slot);
      if ((entry & PRESENT) != 0) {
        memory.writeLong(slot, entry | USER);
        if (level > 1 && (level == LEVELS || (entry & LARGE) == 0)) {
          seen = open(entry & ADDRESS, level - 1, seen);
        }
      }
    }
    return seen;
  }

  /**
   * Maps pages to themselves, for the processor's own reading.
   *
   * @param gpa page-aligned
   * @param byteSize a multiple of the page size
   * @throws IllegalArgumentException if there is no table with room for their entries
   */
  void mapForProcessor(long gpa, long byteSize) {
    for (long page = gpa; page < gpa + byteSize; page += GuestMemory.PAGE_BYTE_SIZE) {
      if (translate(page) == page) {
        continue;
      }
      long table = root;
      for (int level = LEVELS; level > 1; level--) {
        long entry = entry(slot(table, page, level));
        if ((entry & PRESENT) == 0 || (level < LEVELS && (entry & LARGE) != 0)) {
          throw new IllegalArgumentException("no page table covers 0x%x".formatted(page));
        }
        table = entry & ADDRESS;
      }
      memory.writeLong(slot(table, page, 1), page | PRESENT);
    }
  }

  private static long slot(long table, long linear, int level) {
    return table + 8 * (linear >>> shift(level) & ENTRIES - 1);
  }

  private static int shift(int level) {
    return 12 + 9 * (level - 1);
  }

  /** {@return an entry; not present if it is outside memory} */
  private long entry(long gpa) {
    MemorySegment all = memory.unrestricted();
    return gpa <= all.byteSize() - 8 ? all.get(LONG, gpa) : 0;
  }
}
