// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.ffi.kvm.internal.MemorySlots.Slot;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.Mapping;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;

/** Which slots are made of regions. */
class MemorySlotsTest {
  private static final int PAGES = 32;
  private static final long PAGE = 4096;
  private static final long HVA = 0x7000_0000_0000L;

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

  /** Takes slots as KVM does, which changes none: it removes it first. */
  private static Map<Integer, KvmUserspaceMemoryRegion> record(ScriptedKernel kernel) {
    Map<Integer, KvmUserspaceMemoryRegion> installed = new HashMap<>();
    kernel.answers.put(
        KvmIoctl.SET_USER_MEMORY_REGION.code(),
        address -> {
          KvmUserspaceMemoryRegion slot = read(address);
          if (slot.byteSize() == 0) {
            assertThat(installed.remove(slot.slot())).isNotNull();
          } else {
            assertThat(installed.put(slot.slot(), slot)).isNull();
          }
          return 0;
        });
    return installed;
  }

  private static KvmUserspaceMemoryRegion read(long address) {
    MemorySegment slot = Mapping.view(address, KvmUserspaceMemoryRegion.LAYOUT.byteSize());
    return new KvmUserspaceMemoryRegion(
        slot.get(JAVA_INT, 0),
        slot.get(JAVA_INT, 4),
        slot.get(JAVA_LONG, 8),
        slot.get(JAVA_LONG, 16),
        slot.get(JAVA_LONG, 24));
  }

  private static List<Slot> byAddress(Collection<KvmUserspaceMemoryRegion> slots) {
    return slots.stream()
        .map(slot -> new Slot(slot.gpa(), slot.byteSize(), slot.flags() == 0))
        .sorted(Comparator.comparingLong(Slot::gpa))
        .toList();
  }

  /** Regions are repeated above the prepared slot's start, or memory there is all writable. */
  @Property
  void whateverIsPreparedMemoryIsCoveredOnceAsTheRegionsAsk(
      @ForAll @Size(PAGES) List<Integer> first,
      @ForAll @Size(PAGES) List<Integer> second,
      @ForAll boolean above) {
    long byteSize = MemorySlots.PREPARED_FROM + PAGES * PAGE;
    ScriptedKernel kernel = new ScriptedKernel();
    Map<Integer, KvmUserspaceMemoryRegion> installed = record(kernel);
    try (Descriptor vm = Descriptor.open(kernel, "vm", 0)) {
      MemorySlots slots = new MemorySlots(vm, HVA, byteSize);
      slots.prepare();
      KvmUserspaceMemoryRegion prepared = installed.get(0);
      for (List<Integer> pages : List.of(first, second)) {
        List<Region> regions = new ArrayList<>(regions(pages));
        if (above) {
          regions(pages).forEach(region -> regions.add(moved(region)));
        }
        slots.want(regions, byteSize);
        slots.install();
        List<Slot> plan = MemorySlots.plan(regions, byteSize);
        assertThat(merged(byAddress(installed.values()))).isEqualTo(plan);
        assertThat(installed.values())
            .allSatisfy(slot -> assertThat(slot.hva()).isEqualTo(HVA + slot.gpa()));
        if (!above) {
          assertThat(installed.get(0)).isEqualTo(prepared);
        }
      }
    }
  }

  private static Region moved(Region region) {
    return new Region(
        MemorySlots.PREPARED_FROM + region.gpa(), region.byteSize(), region.protection());
  }

  private static List<Slot> merged(List<Slot> slots) {
    List<Slot> merged = new ArrayList<>();
    for (Slot slot : slots) {
      if (merged.isEmpty() || merged.getLast().writable() != slot.writable()) {
        merged.add(slot);
      } else {
        assertThat(slot.gpa()).isEqualTo(merged.getLast().end());
        long gpa = merged.removeLast().gpa();
        merged.add(new Slot(gpa, slot.end() - gpa, slot.writable()));
      }
    }
    return merged;
  }

  @Property
  void neighboursOfOneKindShareASlot(@ForAll @Size(PAGES) List<Integer> pages) {
    List<Slot> slots = MemorySlots.plan(regions(pages), PAGES * PAGE);
    for (int i = 1; i < slots.size(); i++) {
      assertThat(slots.get(i).writable()).isNotEqualTo(slots.get(i - 1).writable());
    }
  }
}
