// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.memory;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TlbTest {
  private static final long PAGE = 4096;

  private final Tlb tlb = new Tlb();

  private long readable(long address) {
    return tlb.slots[Tlb.slot(address) + Tlb.READ_TAG];
  }

  private long writable(long address) {
    return tlb.slots[Tlb.slot(address) + Tlb.WRITE_TAG];
  }

  private void fillAndFlush(int pages) {
    for (long page = 0; page < pages; page++) {
      tlb.fill(page * PAGE, page * PAGE, true, false);
      tlb.fill(page * PAGE, page * PAGE, true, true); // written after it was read
    }
    assertThat(writable((pages - 1) * PAGE)).isEqualTo((pages - 1) * PAGE);
    tlb.flush();
    for (long page = 0; page < Tlb.SLOT_COUNT; page++) {
      assertThat(readable(page * PAGE)).isEqualTo(-1);
      assertThat(writable(page * PAGE)).isEqualTo(-1);
    }
  }

  @Test
  void flushForgetsFewPagesAndMany() {
    for (int pages : new int[] {1, 255, 256, 257, 258, 1, Tlb.SLOT_COUNT + 900, 2}) {
      fillAndFlush(pages);
    }
  }

  @Test
  void pageTakesThePlaceOfOneFarAway() {
    for (long address : new long[] {0, 7 * PAGE, (Tlb.SLOT_COUNT - 1) * PAGE}) {
      long other = address + Tlb.SLOT_COUNT * PAGE;
      tlb.fill(address, 0, true, true);
      tlb.fill(other, PAGE, true, false);
      assertThat(readable(address)).isEqualTo(other);
      assertThat(writable(address)).isEqualTo(-1);
    }
  }
}
