// SPDX-License-Identifier: ISC

package dev.tealight.testkit.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tealight.ExitKind.DebugCause;
import dev.tealight.VmExit;
import dev.tealight.VmExit.Debug;
import dev.tealight.VmExit.IoWrite;
import dev.tealight.X86Register;
import dev.tealight.spi.DebugControl;
import dev.tealight.spi.DebugControl.Breakpoint;
import dev.tealight.spi.DebugControl.Feature;
import dev.tealight.spi.DebugControl.Trigger;
import dev.tealight.testkit.GuestScript;
import dev.tealight.testkit.X86LongMode;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What {@link DebugControl} does on every backend that offers it. */
public abstract class VcpuDebugContract extends VcpuFixture {

  /** For subclasses. */
  protected VcpuDebugContract() {}

  private static final long CODE = X86LongMode.CODE;

  private static final MachineCode STEPS =
      new MachineCode(
          """
          ff c0       # inc %eax
          ff c3       # inc %ebx
          89 07       # mov %eax, (%rdi)
          ff c1       # inc %ecx
          e7 12       # out %eax, $0x12
          cc          # int3
          """,
          GuestScript.exits());

  private DebugControl control(Feature feature) {
    DebugControl control =
        vcpu.ability(DebugControl.class)
            .orElseGet(() -> abort("%s cannot debug".formatted(hypervisor.name())));
    assumeTrue(
        control.features().contains(feature),
        () -> "%s has no %s: %s".formatted(hypervisor.name(), feature, hypervisor.description()));
    load(STEPS, state -> state.set(X86Register.RDI, DATA));
    return control;
  }

  private static DebugControl abort(String reason) {
    assumeTrue(false, reason);
    throw new AssertionError();
  }

  @Test
  void stepsStopAfterEachInstruction() {
    control(Feature.STEP).debug(true, false, List.of());
    for (long next = CODE + 2; next <= CODE + 8; next += 2) {
      assertEquals(new Debug(DebugCause.STEP, next), run());
      assertEquals(next, register(X86Register.RIP));
    }
    assertEquals(1, register(X86Register.RCX));
  }

  @Test
  void runsGoOnAtFullLengthAfterSteppingEnds() {
    DebugControl control = control(Feature.STEP);
    control.debug(true, false, List.of());
    run();
    control.debug(false, false, List.of());
    assertEquals(new IoWrite(0x12, 4, 1), run());
  }

  @Test
  void hardwareBreakpointsStopBeforeTheirInstruction() {
    DebugControl control = control(Feature.HARDWARE_BREAKPOINT);
    assertTrue(control.breakpointLimit() >= 1);
    control.debug(false, false, List.of(new Breakpoint(CODE + 6, 1, Trigger.EXECUTE)));
    assertEquals(new Debug(DebugCause.HARDWARE_BREAKPOINT, CODE + 6), run());
    assertEquals(CODE + 6, register(X86Register.RIP));
    assertEquals(0, register(X86Register.RCX));
    assertEquals(1, register(X86Register.RBX));
  }

  @Test
  void clearedBreakpointsStopNothing() {
    DebugControl control = control(Feature.HARDWARE_BREAKPOINT);
    control.debug(false, false, List.of(new Breakpoint(CODE + 2, 1, Trigger.EXECUTE)));
    control.debug(false, false, List.of());
    assertEquals(new IoWrite(0x12, 4, 1), run());
  }

  @Test
  void watchpointsStopAfterTheWrite() {
    control(Feature.WATCHPOINT)
        .debug(false, false, List.of(new Breakpoint(DATA, 4, Trigger.WRITE)));
    VmExit stopped = run();
    assertEquals(DebugCause.HARDWARE_BREAKPOINT, ((Debug) stopped).cause());
    assertEquals(1, vm.memory().readInt(DATA));
    assertEquals(0, register(X86Register.RCX));
  }

  @Test
  void softwareBreakpointsStopOnTheirInstruction() {
    control(Feature.SOFTWARE_BREAKPOINT).debug(false, true, List.of());
    assertEquals(new IoWrite(0x12, 4, 1), run());
    assertEquals(new Debug(DebugCause.SOFTWARE_BREAKPOINT, CODE + 10), run());
    assertEquals(CODE + 10, register(X86Register.RIP));
  }

  @Test
  void featuresThatAreMissingAreRefusedByName() {
    DebugControl control =
        vcpu.ability(DebugControl.class)
            .orElseGet(() -> abort("%s cannot debug".formatted(hypervisor.name())));
    Set<Feature> offered = control.features();
    if (!offered.contains(Feature.STEP)) {
      assertRefused(Feature.STEP, () -> control.debug(true, false, List.of()));
    }
    if (!offered.contains(Feature.SOFTWARE_BREAKPOINT)) {
      assertRefused(Feature.SOFTWARE_BREAKPOINT, () -> control.debug(false, true, List.of()));
    }
    if (!offered.contains(Feature.HARDWARE_BREAKPOINT)) {
      assertRefused(
          Feature.HARDWARE_BREAKPOINT,
          () -> control.debug(false, false, List.of(new Breakpoint(CODE, 1, Trigger.EXECUTE))));
    }
    if (!offered.contains(Feature.WATCHPOINT)) {
      assertRefused(
          Feature.WATCHPOINT,
          () -> control.debug(false, false, List.of(new Breakpoint(DATA, 8, Trigger.WRITE))));
    }
  }

  private static void assertRefused(Feature feature, Runnable wish) {
    UnsupportedOperationException refusal =
        assertThrows(UnsupportedOperationException.class, wish::run);
    assertTrue(refusal.toString().contains(feature.name()), refusal::toString);
  }
}
