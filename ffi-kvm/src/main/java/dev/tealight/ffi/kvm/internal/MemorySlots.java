// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.Region;
import dev.tealight.ffi.posix.Descriptor;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/**
 * The slots through which a VM sees its memory. KVM can withhold writing alone, so there are two
 * kinds, and neighbours of one kind share a slot. They are installed just before the guest runs,
 * once instead of at every change.
 */
final class MemorySlots {

  /** A range of guest memory. */
  record Slot(long gpa, long byteSize, boolean writable) {
    long end() {
      return gpa + byteSize;
    }
  }

  /** Above most images, and so in the part of memory that they leave writable. */
  static final long PREPARED_FROM = 32L << 20;

  private final Descriptor vm;
  private final long hva;
  private final long memoryByteSize;
  private final Object installing = new Object();

  private volatile boolean dirty = true;
  private List<Slot> wanted;
  private List<Slot> installed = List.of();

  MemorySlots(Descriptor vm, long hva, long memoryByteSize) {
    this.vm = vm;
    this.hva = hva;
    this.memoryByteSize = memoryByteSize;
    wanted = List.of(new Slot(0, memoryByteSize, true));
  }

  /**
   * Sets what {@link #install} installs.
   *
   * @param regions by ascending address, without overlap, inside memory
   */
  void want(List<Region> regions, long memoryByteSize) {
    synchronized (installing) {
      wanted = plan(regions, memoryByteSize);
      dirty = true;
    }
  }

  /**
   * {@return the fewest slots that cover memory as the regions ask for}
   *
   * @param regions by ascending address, without overlap, inside memory
   */
  static List<Slot> plan(List<Region> regions, long memoryByteSize) {
    List<Slot> slots = new ArrayList<>();
    long covered = 0;
    for (Region region : regions) {
      append(slots, covered, region.gpa(), true);
      append(slots, region.gpa(), region.end(), region.protection().write());
      covered = region.end();
    }
    append(slots, covered, memoryByteSize, true);
    return slots;
  }

  private static void append(List<Slot> slots, long gpa, long end, boolean writable) {
    if (gpa == end) {
      return;
    }
    if (!slots.isEmpty() && slots.getLast().writable() == writable) {
      gpa = slots.removeLast().gpa();
    }
    slots.add(new Slot(gpa, end - gpa, writable));
  }

  /**
   * Installs beforehand what guests are likely to want: KVM takes long for a large slot. It cannot
   * make an installed one read-only, so only upper memory has one.
   */
  void prepare() {
    synchronized (installing) {
      if (memoryByteSize > PREPARED_FROM) {
        Slot upper = new Slot(PREPARED_FROM, memoryByteSize - PREPARED_FROM, true);
        set(0, upper);
        installed = List.of(upper);
      }
    }
  }

  /**
   * {@return the planned slots, with a part of the last one as the first if it is installed as
   * such}
   */
  private static List<Slot> around(List<Slot> installed, List<Slot> plan) {
    if (installed.isEmpty()) {
      return plan;
    }
    Slot first = installed.getFirst();
    Slot last = plan.getLast();
    if (last.gpa() > first.gpa()
        || last.end() != first.end()
        || last.writable() != first.writable()) {
      return plan;
    }
    List<Slot> slots = new ArrayList<>();
    slots.add(first);
    slots.addAll(plan.subList(0, plan.size() - 1));
    if (last.gpa() < first.gpa()) {
      slots.add(new Slot(last.gpa(), first.gpa() - last.gpa(), last.writable()));
    }
    return slots;
  }

  /** {@return whether KVM had to be brought up to date} Costs nothing if it is. */
  boolean install() {
    if (!dirty) {
      return false;
    }
    synchronized (installing) {
      if (!dirty) {
        return false; // another vCPU's thread was here first, and its guest may be running by now
      }
      List<Slot> next = around(installed, wanted);
      int kept = commonPrefix(installed, next);
      // From behind, so that a failure leaves the list true to what is installed.
      while (installed.size() > kept) {
        int last = installed.size() - 1;
        set(last, new Slot(installed.get(last).gpa(), 0, true));
        installed = installed.subList(0, last);
      }
      while (installed.size() < next.size()) {
        set(installed.size(), next.get(installed.size()));
        installed = next.subList(0, installed.size() + 1);
      }
      dirty = false;
      return true;
    }
  }

  private static int commonPrefix(List<Slot> one, List<Slot> other) {
    int length = 0;
    while (length < Math.min(one.size(), other.size())
        && one.get(length).equals(other.get(length))) {
      length++;
    }
    return length;
  }

  private void set(int number, Slot slot) {
    KvmUserspaceMemoryRegion region =
        new KvmUserspaceMemoryRegion(
            number,
            slot.writable() ? 0 : KvmUserspaceMemoryRegion.READONLY,
            slot.gpa(),
            slot.byteSize(),
            hva + slot.gpa());
    try (Arena arena = Arena.ofConfined()) {
      vm.ioctl(KvmIoctl.SET_USER_MEMORY_REGION, region.toNative(arena), region);
    }
  }
}
