// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static java.lang.foreign.MemoryLayout.sequenceLayout;
import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;

/**
 * struct kvm_xsave: floating-point and vector registers as XSAVE writes them (Intel SDM volume 1,
 * section 13.4).
 */
final class KvmXsave {
  static final StructLayout LAYOUT =
      structLayout(sequenceLayout(1024, JAVA_INT).withName("region")).withName("kvm_xsave");

  /** The x87 and SSE registers come first, as FXSAVE64 writes them. */
  private static final long LEGACY_BYTE_SIZE = 512;

  /** Which parts are not in their initial state; the header begins with it. */
  private static final long XSTATE_BV = 512;

  private static final long X87_AND_SSE = 3;

  private final MemorySegment segment;

  KvmXsave(SegmentAllocator allocator) {
    segment = allocator.allocate(LAYOUT.byteSize(), JAVA_LONG.byteAlignment());
  }

  MemorySegment segment() {
    return segment;
  }

  /** {@return the 512 bytes of FXSAVE64; after a change of them {@link #legacyChanged}} */
  MemorySegment legacy() {
    return segment.asSlice(0, LEGACY_BYTE_SIZE);
  }

  void legacyChanged() {
    segment.set(JAVA_LONG, XSTATE_BV, segment.get(JAVA_LONG, XSTATE_BV) | X87_AND_SSE);
  }
}
