// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;

/** struct kvm_interrupt: an external interrupt to deliver. Used for one after the other. */
final class KvmInterrupt {
  static final StructLayout LAYOUT =
      structLayout(JAVA_INT.withName("irq")).withName("kvm_interrupt");

  private static final long IRQ = Fields.offset(LAYOUT, "irq");

  private final MemorySegment segment;

  KvmInterrupt(SegmentAllocator allocator) {
    segment = allocator.allocate(LAYOUT);
  }

  MemorySegment of(int vector) {
    segment.set(JAVA_INT, IRQ, vector);
    return segment;
  }

  @Override
  public String toString() {
    return "irq=" + segment.get(JAVA_INT, IRQ);
  }
}
