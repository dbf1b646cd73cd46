// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static java.lang.foreign.MemoryLayout.paddingLayout;
import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;

/**
 * struct kvm_vcpu_events: exceptions and interrupts under way. Only the exception has names here;
 * the rest is handed back as it was read.
 */
final class KvmVcpuEvents {
  static final StructLayout LAYOUT =
      structLayout(
              JAVA_BYTE.withName("exception_injected"),
              JAVA_BYTE.withName("exception_nr"),
              JAVA_BYTE.withName("exception_has_error_code"),
              JAVA_BYTE.withName("exception_pending"),
              JAVA_INT.withName("exception_error_code"),
              paddingLayout(47),
              JAVA_BYTE.withName("exception_has_payload"),
              JAVA_LONG.withName("exception_payload"))
          .withName("kvm_vcpu_events");

  private static final long NR = Fields.offset(LAYOUT, "exception_nr");
  private static final long ERROR_CODE = Fields.offset(LAYOUT, "exception_error_code");
  private static final long HAS_PAYLOAD = Fields.offset(LAYOUT, "exception_has_payload");
  private static final long EXCEPTION_BYTE_SIZE = 8;

  private final MemorySegment segment;

  KvmVcpuEvents(SegmentAllocator allocator) {
    segment = allocator.allocate(LAYOUT);
  }

  MemorySegment segment() {
    return segment;
  }

  /** {@return the number of the last exception} */
  int vector() {
    return segment.get(JAVA_BYTE, NR) & 0xff;
  }

  int errorCode() {
    return segment.get(JAVA_INT, ERROR_CODE);
  }

  /** Makes it as if there had been no exception. */
  void clearException() {
    segment.asSlice(0, EXCEPTION_BYTE_SIZE).fill((byte) 0);
    segment.set(JAVA_BYTE, HAS_PAYLOAD, (byte) 0);
  }
}
