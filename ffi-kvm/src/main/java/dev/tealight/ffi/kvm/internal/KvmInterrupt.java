// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;

/** struct kvm_interrupt: an external interrupt to deliver. */
record KvmInterrupt(int vector) {
  static final StructLayout LAYOUT =
      structLayout(JAVA_INT.withName("irq")).withName("kvm_interrupt");

  private static final long IRQ = Fields.offset(LAYOUT, "irq");

  MemorySegment toNative(SegmentAllocator allocator) {
    MemorySegment target = allocator.allocate(LAYOUT);
    target.set(JAVA_INT, IRQ, vector);
    return target;
  }

  @Override
  public String toString() {
    return "irq=" + vector;
  }
}
