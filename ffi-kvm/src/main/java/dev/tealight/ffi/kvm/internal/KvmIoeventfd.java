// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static java.lang.foreign.MemoryLayout.paddingLayout;
import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;

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

  private static final long ADDR = Fields.offset(LAYOUT, "addr");
  private static final long LEN = Fields.offset(LAYOUT, "len");
  private static final long FD = Fields.offset(LAYOUT, "fd");
  private static final long FLAGS = Fields.offset(LAYOUT, "flags");

  MemorySegment toNative(SegmentAllocator allocator) {
    MemorySegment target = allocator.allocate(LAYOUT);
    target.set(JAVA_LONG, ADDR, address);
    target.set(JAVA_INT, LEN, byteSize);
    target.set(JAVA_INT, FD, descriptor);
    target.set(JAVA_INT, FLAGS, flags);
    return target;
  }

  @Override
  public String toString() {
    return "addr=0x%x len=%d flags=0x%x".formatted(address, byteSize, flags);
  }
}
