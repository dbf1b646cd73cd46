// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;

/**
 * struct kvm_userspace_memory_region: a slot of guest memory.
 *
 * @param byteSize 0 removes the slot
 */
record KvmUserspaceMemoryRegion(int slot, int flags, long gpa, long byteSize, long hva) {
  static final StructLayout LAYOUT =
      structLayout(
              JAVA_INT.withName("slot"),
              JAVA_INT.withName("flags"),
              JAVA_LONG.withName("guest_phys_addr"),
              JAVA_LONG.withName("memory_size"),
              JAVA_LONG.withName("userspace_addr"))
          .withName("kvm_userspace_memory_region");

  static final int READONLY = 1 << 1;

  private static final long SLOT = Fields.offset(LAYOUT, "slot");
  private static final long FLAGS = Fields.offset(LAYOUT, "flags");
  private static final long GUEST_PHYS_ADDR = Fields.offset(LAYOUT, "guest_phys_addr");
  private static final long MEMORY_SIZE = Fields.offset(LAYOUT, "memory_size");
  private static final long USERSPACE_ADDR = Fields.offset(LAYOUT, "userspace_addr");

  MemorySegment toNative(SegmentAllocator allocator) {
    MemorySegment target = allocator.allocate(LAYOUT);
    target.set(JAVA_INT, SLOT, slot);
    target.set(JAVA_INT, FLAGS, flags);
    target.set(JAVA_LONG, GUEST_PHYS_ADDR, gpa);
    target.set(JAVA_LONG, MEMORY_SIZE, byteSize);
    target.set(JAVA_LONG, USERSPACE_ADDR, hva);
    return target;
  }

  /** Without the host's address, which is nobody's business. */
  @Override
  public String toString() {
    return "slot=%d flags=0x%x gpa=0x%x byteSize=%d".formatted(slot, flags, gpa, byteSize);
  }
}
