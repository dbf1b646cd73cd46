// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.ExitKind.DebugCause;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmExit;
import dev.tealight.VmOptions;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.ffi.bhyve.BhyveOptions;
import dev.tealight.spi.DebugControl;
import dev.tealight.testkit.X86LongMode;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/** Single steps beyond their contract, by Intel's monitor trap and by the trap flag of AMD. */
@ParameterizedClass(name = "{0}, AMD: {1}")
@CsvSource({"13,false", "14,false", "14,true", "15,false", "15,true"})
class BhyveDebugTest {
  private static final long CODE = X86LongMode.CODE;
  private static final long DATA = 0x90000;
  private static final long TRAP_FLAG = 1 << 8;

  @Parameter(0)
  int version;

  @Parameter(1)
  boolean amd;

  private final ExitFrame exit = new ExitFrame();
  private BhyveHypervisor hypervisor;
  private Vm vm;
  private Vcpu vcpu;

  @BeforeEach
  void open() {
    hypervisor = BhyveHypervisor.open(new VmmModel(version, amd).host(), BhyveOptions.DEFAULT);
    vm = hypervisor.createVm(VmOptions.ofMemory(1 << 20));
    vcpu = vm.createVcpu();
  }

  @AfterEach
  void close() {
    vm.close();
    hypervisor.close();
  }

  private X86CpuState load(String hex) {
    X86CpuState state = X86LongMode.load(vm.memory(), HexFormat.of().parseHex(hex));
    vcpu.writeState(state.set(X86Register.RSI, DATA).set(X86Register.RDI, DATA));
    return state;
  }

  private void step(boolean on) {
    vcpu.ability(DebugControl.class).orElseThrow().debug(on, false, List.of());
  }

  private VmExit run() {
    vcpu.run(exit);
    return exit.snapshot();
  }

  private static VmExit stop(long at) {
    return new VmExit.Debug(DebugCause.STEP, at);
  }

  private long register(X86Register register) {
    return ((X86CpuState) vcpu.readState()).get(register);
  }

  /** The kernel reports the access, and goes on to the end of the next instruction. */
  @Test
  void accessIsAStepOfItsOwn() {
    // out %al, $0x12; in $0x10, %al; inc %eax; inc %eax
    load("e612" + "e410" + "ffc0" + "ffc0");
    step(true);
    assertThat(run()).isEqualTo(new VmExit.IoWrite(0x12, 1, 0));
    assertThat(run()).isEqualTo(stop(CODE + 2));
    assertThat(register(X86Register.RIP)).isEqualTo(CODE + 2);
    assertThat(run()).isEqualTo(new VmExit.IoRead(0x10, 1));
    exit.complete(0x42);
    assertThat(run()).isEqualTo(stop(CODE + 4));
    assertThat(register(X86Register.RAX)).isEqualTo(0x42);
    assertThat(run()).isEqualTo(stop(CODE + 6));
    assertThat(register(X86Register.RAX)).isEqualTo(0x43);
  }

  @Test
  void accessOutsideMemoryIsAStepOfItsOwn() {
    X86CpuState state = load("8907" + "8b07" + "ffc3"); // mov %eax, (%rdi) and back; inc %ebx
    vcpu.writeState(state.set(X86Register.RDI, 0x3000_0000));
    step(true);
    assertThat(run()).isEqualTo(new VmExit.MmioWrite(0x3000_0000, 4, 0));
    assertThat(run()).isEqualTo(stop(CODE + 2));
    assertThat(run()).isEqualTo(new VmExit.MmioRead(0x3000_0000, 4));
    exit.complete(7);
    assertThat(run()).isEqualTo(stop(CODE + 4));
    assertThat(register(X86Register.RAX)).isEqualTo(7);
    assertThat(run()).isEqualTo(stop(CODE + 6));
  }

  @Test
  void stringInstructionIsOneStepWhateverItsLength() {
    X86CpuState state = load("f36e" + "f36c" + "ffc0"); // rep outsb; rep insb; inc %eax
    vcpu.writeState(state.set(X86Register.RCX, 2).set(X86Register.RDX, 0x80));
    step(true);
    assertThat(run()).isEqualTo(new VmExit.IoWrite(0x80, 1, 0));
    assertThat(run()).isEqualTo(new VmExit.IoWrite(0x80, 1, 0));
    assertThat(run()).isEqualTo(stop(CODE + 2));
    vcpu.writeState(((X86CpuState) vcpu.readState()).set(X86Register.RCX, 2));
    for (int i = 0; i < 2; i++) {
      assertThat(run()).isEqualTo(new VmExit.IoRead(0x80, 1));
      exit.complete(0x11);
    }
    assertThat(run()).isEqualTo(stop(CODE + 4));
    assertThat(vm.memory().readInt(DATA)).isEqualTo(0x1111);
    assertThat(run()).isEqualTo(stop(CODE + 6));
  }

  @Test
  void stepsThatAreNotWantedAnyMoreAreNotReported() {
    load("e612" + "ffc0" + "e613");
    step(true);
    assertThat(run()).isEqualTo(new VmExit.IoWrite(0x12, 1, 0));
    step(false);
    assertThat(run()).isEqualTo(new VmExit.IoWrite(0x13, 1, 1));
  }

  @Test
  void flagsAreTheGuestsOwnWhileItIsStepped() {
    load("ffc0" + "ffc0" + "e612");
    step(true);
    assertThat(run()).isEqualTo(stop(CODE + 2));
    assertThat(register(X86Register.RFLAGS) & TRAP_FLAG).isZero();
    vcpu.writeState(vcpu.readState());
    assertThat(run()).isEqualTo(stop(CODE + 4));
    step(false);
    assertThat(run()).isEqualTo(new VmExit.IoWrite(0x12, 1, 2));
    assertThat(register(X86Register.RFLAGS) & TRAP_FLAG).isZero();
  }

  @Test
  void steppingOutlivesTheResetOfAVmThatStoodStill() {
    load("fa" + "f4" + "ffc0" + "cc"); // cli; hlt; inc %eax; int3
    DebugControl control = vcpu.ability(DebugControl.class).orElseThrow();
    control.debug(true, true, List.of());
    assertThat(run()).isEqualTo(stop(CODE + 1));
    assertThat(run()).isEqualTo(new VmExit.Halt());
    assertThat(run()).isEqualTo(stop(CODE + 4));
    assertThat(run()).isEqualTo(new VmExit.Debug(DebugCause.SOFTWARE_BREAKPOINT, CODE + 4));
  }

  @Test
  void kickOfASteppedGuestIsReportedToo() {
    load("e612" + "ffc0");
    step(true);
    assertThat(run()).isEqualTo(new VmExit.IoWrite(0x12, 1, 0));
    vcpu.kick();
    assertThat(run()).isEqualTo(stop(CODE + 2));
    assertThat(vcpu.run(exit)).isEqualTo(ExitKind.INTERRUPTED);
    assertThat(run()).isEqualTo(stop(CODE + 4));
  }

  @Test
  void breakpointsByAddressAreRefusedByName() {
    DebugControl control = vcpu.ability(DebugControl.class).orElseThrow();
    assertThat(control.breakpointLimit()).isZero();
    assertThatThrownBy(
            () ->
                control.debug(
                    false,
                    false,
                    List.of(new DebugControl.Breakpoint(CODE, 1, DebugControl.Trigger.EXECUTE))))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessage(
            "FreeBSD's vmm has no HARDWARE_BREAKPOINT for guests here, only"
                + " [STEP, SOFTWARE_BREAKPOINT]");
  }
}
