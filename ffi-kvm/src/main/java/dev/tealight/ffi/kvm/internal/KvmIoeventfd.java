// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static java.lang.foreign.MemoryLayout.paddingLayout;
import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/** struct kvm_ioeventfd: guest writes that ring an event counter. */
record KvmIoeventfd(long address, int byteSize, int descriptor, int flags) {
  static final StructLayout LAYOUT =
      structLayout(
              JAVA_LONG.withName("datamatch"),
              JAVA_LONG.withName("addr"),
              JAVA_INT.withName("len"),
              JAVA_INT.withName("fd"),
              JAVA_INT.withName("flags"),
              paddingLayout(36))
          .withName("kvm_ioeventfd");

  /** The address is a port. */
  static final int PIO = 1 << 1;

  /** Takes the counter away again. */
  static final int DEASSIGN = 1 << 2;

  private static final VarHandle ADDR = Fields.handle(LAYOUT, "addr");
  private static final VarHandle LEN = Fields.handle(LAYOUT, "len");
  private static final VarHandle FD = Fields.handle(LAYOUT, "fd");
  private static final VarHandle FLAGS = Fields.handle(LAYOUT, "flags");

  MemorySegment toNative(SegmentAllocator allocator) {
    MemorySegment target = allocator.allocate(LAYOUT);
    ADDR.set(target, address);
    LEN.set(target, byteSize);
    FD.set(target, descriptor);
    FLAGS.set(target, flags);
    return target;
  }

  @Override
  public String toString() {
    return "addr=0x%x len=%d flags=0x%x".formatted(address, byteSize, flags);
  }
}
