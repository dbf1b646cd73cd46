// SPDX-License-Identifier: ISC
package dev.tealight.spi;

import java.util.List;
import java.util.Set;

/** Stepping and breakpoints. vCPU thread only. */
public non-sealed interface DebugControl extends VcpuAbility {

  /** Kinds of debugging, each probed on the host by itself. */
  enum Feature {
    /** One instruction at a time. */
    STEP,
    /** Breakpoint instructions in guest code exit instead of being delivered to the guest. */
    SOFTWARE_BREAKPOINT,
    /** Breakpoints by address. */
    HARDWARE_BREAKPOINT,
    /** Breakpoints on data. */
    WATCHPOINT
  }

  /** What triggers a {@link Breakpoint}. */
  enum Trigger {
    /** The instruction at the address is about to be executed. */
    EXECUTE,
    /** The bytes were written. */
    WRITE,
    /** The bytes were read or written. */
    ACCESS
  }

  /**
   * A hardware breakpoint or watchpoint.
   *
   * @param address guest virtual address, aligned to {@code byteSize}
   * @param byteSize 1, 2, 4 or 8; 1 for {@link Trigger#EXECUTE}
   * @param trigger what triggers it
   */
  record Breakpoint(long address, int byteSize, Trigger trigger) {}

  /** {@return what works on this host} */
  Set<Feature> features();

  /** {@return how many {@link Breakpoint}s can be set at once} */
  int breakpointLimit();

  /**
   * Sets what the next runs stop at with {@link dev.tealight.ExitKind#DEBUG}, replacing what was
   * set before.
   *
   * @param step stop after every instruction
   * @param software stop at breakpoint instructions
   * @param breakpoints at most {@link #breakpointLimit}
   * @throws UnsupportedOperationException if a {@link Feature} asked for is missing; names it
   */
  void debug(boolean step, boolean software, List<Breakpoint> breakpoints);
}
