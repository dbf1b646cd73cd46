// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static java.lang.foreign.MemoryLayout.sequenceLayout;
import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.tealight.spi.DebugControl.Breakpoint;
import dev.tealight.spi.DebugControl.Feature;
import dev.tealight.spi.DebugControl.Trigger;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * struct kvm_guest_debug: what a vCPU stops at.
 *
 * @see "Intel SDM volume 3B, 19.2 (debug registers)"
 */
record KvmGuestDebug(boolean step, boolean software, List<Breakpoint> breakpoints) {
  static final StructLayout LAYOUT =
      structLayout(
              JAVA_INT.withName("control"),
              JAVA_INT.withName("pad"),
              sequenceLayout(8, JAVA_LONG).withName("debugreg"))
          .withName("kvm_guest_debug");

  /** The debug registers DR0 to DR3 hold addresses. */
  static final int BREAKPOINT_LIMIT = 4;

  static final int ENABLE = 0x1;
  static final int SINGLESTEP = 0x2;
  static final int USE_SW_BP = 0x10000;
  static final int USE_HW_BP = 0x20000;

  private static final long DEBUGREG = Fields.offset(LAYOUT, "debugreg");
  private static final int DR7_FIXED_ONE = 1 << 10;
  private static final int DR7_GLOBAL_EXACT = 1 << 9;

  KvmGuestDebug {
    breakpoints = List.copyOf(breakpoints);
    if (breakpoints.size() > BREAKPOINT_LIMIT) {
      throw new IllegalArgumentException(
          "%d breakpoints, the processor has room for %d"
              .formatted(breakpoints.size(), BREAKPOINT_LIMIT));
    }
  }

  /** {@return the kinds of debugging it takes} */
  Set<Feature> needs() {
    Set<Feature> needs = EnumSet.noneOf(Feature.class);
    if (step) {
      needs.add(Feature.STEP);
    }
    if (software) {
      needs.add(Feature.SOFTWARE_BREAKPOINT);
    }
    for (Breakpoint breakpoint : breakpoints) {
      needs.add(
          breakpoint.trigger() == Trigger.EXECUTE
              ? Feature.HARDWARE_BREAKPOINT
              : Feature.WATCHPOINT);
    }
    return needs;
  }

  int control() {
    int wanted =
        (step ? SINGLESTEP : 0)
            | (software ? USE_SW_BP : 0)
            | (breakpoints.isEmpty() ? 0 : USE_HW_BP);
    return wanted == 0 ? 0 : wanted | ENABLE;
  }

  MemorySegment toNative(SegmentAllocator allocator) {
    MemorySegment target = allocator.allocate(LAYOUT);
    target.set(JAVA_INT, 0, control());
    long dr7 = DR7_FIXED_ONE | DR7_GLOBAL_EXACT;
    for (int i = 0; i < breakpoints.size(); i++) {
      Breakpoint breakpoint = breakpoints.get(i);
      target.set(JAVA_LONG, DEBUGREG + 8L * i, breakpoint.address());
      dr7 |= (2L << (2 * i)) | ((long) condition(breakpoint) << (16 + 4 * i));
    }
    target.set(JAVA_LONG, DEBUGREG + 8 * 7, dr7);
    return target;
  }

  /** {@return the R/W and LEN bits of a breakpoint} */
  private static int condition(Breakpoint breakpoint) {
    if (breakpoint.address() % breakpoint.byteSize() != 0) {
      throw new IllegalArgumentException(breakpoint + " is not aligned to its size");
    }
    int access =
        switch (breakpoint.trigger()) {
          case EXECUTE -> 0;
          case WRITE -> 1;
          case ACCESS -> 3;
        };
    int length =
        switch (breakpoint.byteSize()) {
          case 1 -> 0;
          case 2 -> 1;
          case 4 -> 3;
          case 8 -> 2;
          default ->
              throw new IllegalArgumentException(breakpoint + " is not 1, 2, 4 or 8 bytes long");
        };
    if (access == 0 && length != 0) {
      throw new IllegalArgumentException(breakpoint + " must be 1 byte long to be executed");
    }
    return access | length << 2;
  }

  @Override
  public String toString() {
    return "control=0x%x breakpoints=%s".formatted(control(), breakpoints);
  }
}
