// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.memory;

import java.util.Arrays;

/**
 * A direct-mapped cache of translations for one privilege level.
 *
 * <p>Each slot is four longs side by side: the linear page that may be read, the linear page that
 * may be written, and what to add to a linear address to reach RAM. An empty tag is -1, which no
 * page address equals.
 */
final class Tlb {
  static final int SLOT_COUNT = 1024;
  static final long PAGE_MASK = -4096L;

  private static final int LONGS_PER_SLOT = 4;
  static final int READ_TAG = 0;
  static final int WRITE_TAG = 1;
  static final int ADDEND = 2;

  final long[] slots = new long[SLOT_COUNT * LONGS_PER_SLOT];

  Tlb() {
    flush();
  }

  static int slot(long address) {
    return ((int) (address >>> 12) & SLOT_COUNT - 1) * LONGS_PER_SLOT;
  }

  void flush() {
    Arrays.fill(slots, -1L);
  }

  void flushPage(long address) {
    int slot = slot(address);
    slots[slot + READ_TAG] = -1;
    slots[slot + WRITE_TAG] = -1;
  }

  void fill(long address, long gpa, boolean readable, boolean writable) {
    int slot = slot(address);
    long page = address & PAGE_MASK;
    long addend = (gpa & PAGE_MASK) - page;
    boolean samePage =
        slots[slot + ADDEND] == addend
            && (slots[slot + READ_TAG] == page || slots[slot + WRITE_TAG] == page);
    if (!samePage) {
      slots[slot + READ_TAG] = -1;
      slots[slot + WRITE_TAG] = -1;
      slots[slot + ADDEND] = addend;
    }
    if (readable) {
      slots[slot + READ_TAG] = page;
    }
    if (writable) {
      slots[slot + WRITE_TAG] = page;
    }
  }

  /** Sends the next write to the physical page of {@code gpa} through the slow path. */
  void forgetWritesTo(long gpa) {
    for (int slot = 0; slot < slots.length; slot += LONGS_PER_SLOT) {
      long page = slots[slot + WRITE_TAG];
      if (page != -1 && page + slots[slot + ADDEND] == (gpa & PAGE_MASK)) {
        slots[slot + WRITE_TAG] = -1;
      }
    }
  }
}
