// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.ffi.kvm.internal.MemorySlots.Slot;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;

/** Which slots are made of regions. */
class MemorySlotsTest {
  private static final int PAGES = 32;
  private static final long PAGE = 4096;

  /** Each number says what to do with a page: 0 no region, 1 read-only, 2 writable. */
  private static List<Region> regions(List<Integer> pages) {
    List<Region> regions = new ArrayList<>();
    for (int i = 0; i < pages.size(); i++) {
      int kind = Math.floorMod(pages.get(i), 3);
      if (kind != 0) {
        regions.add(
            new Region(
                i * PAGE, PAGE, kind == 1 ? Protection.READ_EXECUTE : Protection.READ_WRITE));
      }
    }
    return regions;
  }

  @Property
  void slotsCoverMemoryOnceAsTheRegionsAsk(@ForAll @Size(PAGES) List<Integer> pages) {
    List<Slot> slots = MemorySlots.plan(regions(pages), PAGES * PAGE);
    long covered = 0;
    for (Slot slot : slots) {
      assertThat(slot.gpa()).isEqualTo(covered);
      for (long gpa = slot.gpa(); gpa < slot.end(); gpa += PAGE) {
        boolean readOnly = Math.floorMod(pages.get((int) (gpa / PAGE)), 3) == 1;
        assertThat(slot.writable()).isEqualTo(!readOnly);
      }
      covered = slot.end();
    }
    assertThat(covered).isEqualTo(PAGES * PAGE);
  }

  @Property
  void neighboursOfOneKindShareASlot(@ForAll @Size(PAGES) List<Integer> pages) {
    List<Slot> slots = MemorySlots.plan(regions(pages), PAGES * PAGE);
    for (int i = 1; i < slots.size(); i++) {
      assertThat(slots.get(i).writable()).isNotEqualTo(slots.get(i - 1).writable());
    }
  }
}
