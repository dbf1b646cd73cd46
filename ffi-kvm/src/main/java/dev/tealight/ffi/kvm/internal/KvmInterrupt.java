// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/** struct kvm_interrupt: an external interrupt to deliver. */
record KvmInterrupt(int vector) {
  static final StructLayout LAYOUT =
      structLayout(JAVA_INT.withName("irq")).withName("kvm_interrupt");

  private static final VarHandle IRQ = Fields.handle(LAYOUT, "irq");

  MemorySegment toNative(SegmentAllocator allocator) {
    MemorySegment target = allocator.allocate(LAYOUT);
    IRQ.set(target, vector);
    return target;
  }

  @Override
  public String toString() {
    return "irq=" + vector;
  }
}
