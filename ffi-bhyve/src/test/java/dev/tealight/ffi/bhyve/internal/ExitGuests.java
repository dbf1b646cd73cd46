// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.ffi.bhyve.BhyveOptions;
import dev.tealight.spi.DebugControl;
import dev.tealight.testkit.X86LongMode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/** Guests that make exits of every kind, to be recorded. What they do depends on no time. */
final class ExitGuests {
  private static final long OUTSIDE = 0x3000_0000;

  private static final VmOptions OPTIONS = VmOptions.ofMemory(1 << 20);
  private static final Region READ_ONLY = new Region(0x80000, 0x1000, Protection.READ_ONLY);

  private ExitGuests() {}

  /** Records them on a kernel. */
  static void record(VmmModel kernel, Path file) {
    BhyveOptions options = new BhyveOptions(false, Duration.ofMillis(100), Optional.of(file));
    try (BhyveHypervisor hypervisor = BhyveHypervisor.open(kernel.host(), options)) {
      runAll(hypervisor);
    }
  }

  /** Runs them one after another, each behind a mark. */
  private static void runAll(BhyveHypervisor hypervisor) {
    RecordingHostCalls recording = hypervisor.recording().orElseThrow();
    recording.mark("ports, halt and memory", 0);
    runPorts(hypervisor);
    recording.mark("string instructions", 0);
    run(hypervisor, "6e" + "f4", 0x90000, ExitKind.IO_WRITE);
    recording.mark("a repeated string instruction", 0);
    run(
        hypervisor,
        "b903000000" + "f36c", // mov $3, %ecx; rep insb
        0x90000,
        ExitKind.IO_READ,
        ExitKind.IO_READ,
        ExitKind.IO_READ);
    recording.mark("a write to memory for reading", 0);
    run(hypervisor, "8907", 0x80000, ExitKind.PROTECTION_FAULT);
    recording.mark("moves outside memory", 0);
    run(
        hypervisor,
        "8907" + "488b07" + "660fb607" + "c60742", // mov, mov, movzbw, movb $0x42
        OUTSIDE,
        ExitKind.MMIO_WRITE,
        ExitKind.MMIO_READ,
        ExitKind.MMIO_READ,
        ExitKind.MMIO_WRITE);
    recording.mark("an instruction that is not decoded", 0);
    run(hypervisor, "f0ff07", OUTSIDE, ExitKind.INTERNAL_ERROR);
    recording.mark("a fetch outside memory", 0);
    run(hypervisor, "ffe7", OUTSIDE, ExitKind.INTERNAL_ERROR);
    recording.mark("accesses that the kernel's devices refuse", 0);
    run(
        hypervisor,
        "66e740" + "e443" + "66e540" + "e612", // outw $0x40; inb $0x43; inw $0x40; outb $0x12
        0,
        ExitKind.INTERNAL_ERROR,
        ExitKind.INTERNAL_ERROR,
        ExitKind.INTERNAL_ERROR,
        ExitKind.IO_WRITE);
    recording.mark("a triple fault", 0);
    run(hypervisor, "0f0b", 0, ExitKind.SHUTDOWN);
    // inc %eax; out %al, $0x12; in $0x10, %al; pushf; pop %rbx; pushf; popf; inc %eax
    recording.mark("single steps", 0);
    runDebugged(hypervisor, true, "ffc0" + "e612" + "e410" + "9c5b" + "9c9d" + "ffc0", 10);
    recording.mark("breakpoint instructions", 0);
    runDebugged(hypervisor, false, "e612" + "cc", 3); // out %al, $0x12; int3
  }

  private static void runPorts(BhyveHypervisor hypervisor) {
    try (Vm vm = hypervisor.createVm(OPTIONS);
        Vcpu vcpu = vm.createVcpu()) {
      vm.protect(List.of(READ_ONLY));
      // out %eax, $0x12; in $0x10, %al; mov %eax, (%rdi); out %eax, $0x12; cli; hlt
      byte[] code = HexFormat.of().parseHex("e712" + "e410" + "8907" + "e712" + "faf4");
      vcpu.writeState(X86LongMode.load(vm.memory(), code).set(X86Register.RDI, 0x90000));
      ExitFrame exit = new ExitFrame();
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.IO_WRITE);
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.IO_READ);
      exit.complete(0x42);
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.IO_WRITE);
      vcpu.kick();
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.INTERRUPTED);
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.HALT);
      vcpu.writeState(vcpu.readState());
    }
  }

  /** Reads its registers after each exit. */
  private static void run(BhyveHypervisor hypervisor, String code, long data, ExitKind... exits) {
    try (Vm vm = hypervisor.createVm(OPTIONS);
        Vcpu vcpu = vm.createVcpu()) {
      vm.protect(List.of(READ_ONLY));
      vcpu.writeState(
          X86LongMode.load(vm.memory(), HexFormat.of().parseHex(code))
              .set(X86Register.RDI, data)
              .set(X86Register.RSI, data));
      ExitFrame exit = new ExitFrame();
      for (ExitKind expected : exits) {
        assertThat(vcpu.run(exit)).isEqualTo(expected);
        vcpu.readState();
      }
    }
  }

  /** Ends at the end of the code, then runs it again without stops. */
  private static void runDebugged(BhyveHypervisor hypervisor, boolean step, String hex, int exits) {
    try (Vm vm = hypervisor.createVm(OPTIONS);
        Vcpu vcpu = vm.createVcpu()) {
      Optional<DebugControl> control = vcpu.ability(DebugControl.class);
      if (control.isEmpty()) {
        return; // FreeBSD 13 with AMD
      }
      byte[] code = HexFormat.of().parseHex(hex);
      X86CpuState state = X86LongMode.load(vm.memory(), code);
      vcpu.writeState(state);
      ExitFrame exit = new ExitFrame();
      control.get().debug(step, !step, List.of());
      ExitKind kind = ExitKind.UNKNOWN;
      for (int i = 0; i < exits; i++) {
        kind = vcpu.run(exit);
        vcpu.readState();
      }
      assertThat(kind).isEqualTo(ExitKind.DEBUG);
      assertThat(exit.address()).isEqualTo(X86LongMode.CODE + code.length - (step ? 0 : 1));
      control.get().debug(false, false, List.of());
      vcpu.writeState(state);
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.IO_WRITE);
    }
  }
}
