// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import dev.tealight.spi.DebugControl.Breakpoint;
import dev.tealight.spi.DebugControl.Feature;
import dev.tealight.spi.DebugControl.Trigger;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Where a vCPU stops for a debugger: after each instruction, at breakpoint instructions. Which of
 * both there is depends on the version and on the processor. Belongs to the vCPU thread.
 */
final class Stops {
  private final VmmCapabilities capabilities;
  private @Nullable Set<Feature> features;
  private boolean byTrapFlag;
  private boolean stepping;
  private boolean software;

  Stops(VmmCapabilities capabilities) {
    this.capabilities = capabilities;
  }

  /** {@return what there is; asks the kernel once} */
  Set<Feature> features() {
    Set<Feature> known = features;
    if (known == null) {
      known = EnumSet.noneOf(Feature.class);
      boolean byMonitorTrap = capabilities.isOffered(VmmCapabilities.MTRAP_EXIT);
      byTrapFlag = !byMonitorTrap && capabilities.isOffered(VmmCapabilities.RFLAGS_TF);
      if (byMonitorTrap || byTrapFlag) {
        known.add(Feature.STEP);
      }
      if (capabilities.isOffered(VmmCapabilities.BPT_EXIT)) {
        known.add(Feature.SOFTWARE_BREAKPOINT);
      }
      known = Collections.unmodifiableSet(known);
      features = known;
    }
    return known;
  }

  /**
   * Replaces what was wanted before.
   *
   * @throws UnsupportedOperationException if something is not there; names it
   */
  void want(boolean step, boolean breakpointInstructions, List<Breakpoint> breakpoints) {
    if (step) {
      check(Feature.STEP);
    }
    if (breakpointInstructions) {
      check(Feature.SOFTWARE_BREAKPOINT);
    }
    for (Breakpoint breakpoint : breakpoints) {
      check(
          breakpoint.trigger() == Trigger.EXECUTE
              ? Feature.HARDWARE_BREAKPOINT
              : Feature.WATCHPOINT);
    }
    if (software != breakpointInstructions) {
      capabilities.set(VmmCapabilities.BPT_EXIT, breakpointInstructions);
      software = breakpointInstructions;
    }
    if (stepping != step) {
      setStep(step);
      stepping = step;
    }
  }

  private void check(Feature feature) {
    if (!features().contains(feature)) {
      throw new UnsupportedOperationException(
          "FreeBSD's vmm has no %s for guests here, only %s".formatted(feature, features()));
    }
  }

  private void setStep(boolean on) {
    capabilities.set(byTrapFlag ? VmmCapabilities.RFLAGS_TF : VmmCapabilities.MTRAP_EXIT, on);
  }

  /** The kernel has forgotten what the vCPU stops at. */
  void restore() {
    if (software) {
      capabilities.set(VmmCapabilities.BPT_EXIT, true);
    }
    if (stepping) {
      setStep(true);
    }
  }

  /** Gives the trap flag back to the guest, for its registers to be read or written. */
  void beginRegisters() {
    if (stepping && byTrapFlag) {
      setStep(false);
    }
  }

  /** Takes the trap flag again. */
  void endRegisters() {
    if (stepping && byTrapFlag) {
      setStep(true);
    }
  }

  boolean isStepping() {
    return stepping;
  }
}
