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
  /** So many pages, 16 MiB. A miss makes translated code give way to the interpreter. */
  static final int SLOT_COUNT = 4096;

  static final long PAGE_MASK = -4096L;

  private static final int LONGS_PER_SLOT = 4;
  static final int READ_TAG = 0;
  static final int WRITE_TAG = 1;
  static final int ADDEND = 2;

  /** A flush after so many fills goes over all slots, and otherwise over those filled. */
  private static final int MAX_FILLS = 256;

  final long[] slots = new long[SLOT_COUNT * LONGS_PER_SLOT];

  /** The slots filled since the last flush, as long as they are few. */
  private final int[] filled = new int[MAX_FILLS];

  private int fills;

  Tlb() {
    Arrays.fill(slots, -1);
  }

  static int slot(long address) {
    return ((int) (address >>> 12) & SLOT_COUNT - 1) * LONGS_PER_SLOT;
  }

  void flush() {
    if (fills > MAX_FILLS) {
      Arrays.fill(slots, -1);
    } else {
      for (int i = 0; i < fills; i++) {
        clear(filled[i]);
      }
    }
    fills = 0;
  }

  void flushPage(long address) {
    clear(slot(address));
  }

  private void clear(int slot) {
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
      clear(slot);
      slots[slot + ADDEND] = addend;
      if (fills < MAX_FILLS) {
        filled[fills] = slot;
      }
      if (fills <= MAX_FILLS) {
        fills++;
      }
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
