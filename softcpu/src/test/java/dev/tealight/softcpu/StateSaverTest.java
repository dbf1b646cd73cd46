// SPDX-License-Identifier: ISC
package dev.tealight.softcpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ConfigurationException;
import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.spi.StateSaver;
import dev.tealight.testkit.X86LongMode;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** A vCPU that takes over the saved state of another one goes on as that one does. */
class StateSaverTest {
  private static final long MEMORY_BYTE_SIZE = 2 << 20;
  private static final long DATA = 0x100000;
  private static final int TURNS = 20_000;
  private static final int EXITS = TURNS / 256;

  /** Takes random numbers and time stamps, computes with all units, and tells every 256 turns. */
  private static final byte[] PROGRAM =
      code(
          """
          d9 e8                 #       fld1
          48 0f c7 f0           # next: rdrand rax
          48 01 c3              #       add rbx, rax
          0f 31                 #       rdtsc
          48 31 c3              #       xor rbx, rax
          48 89 1c f7           #       mov [rdi+rsi*8], rbx
          48 ff c6              #       inc rsi
          48 81 e6 ff 01 00 00  #       and rsi, 511
          f2 48 0f 2a c3        #       cvtsi2sd xmm0, rbx
          f2 0f 58 c8           #       addsd xmm1, xmm0
          dc 0f                 #       fmul qword [rdi]
          d9 e8                 #       fld1
          de c1                 #       faddp
          f6 c1 ff              #       test cl, 0xff
          75 02                 #       jnz +2
          e7 12                 #       out 0x12, eax
          ff c9                 #       dec ecx
          75 cc                 #       jnz next
          db bf 00 10 00 00     #       fstp tbyte [rdi+0x1000]
          f2 0f 11 8f 10 10 00 00 #     movsd [rdi+0x1010], xmm1
          f4                    #       hlt
          """);

  /** Memory and registers at the end. */
  private record End(List<Long> memory, List<Long> registers) {}

  private static byte[] code(String listing) {
    return HexFormat.of()
        .parseHex(
            listing
                .lines()
                .map(line -> line.substring(0, line.indexOf('#')).replace(" ", ""))
                .collect(Collectors.joining()));
  }

  private static Vcpu start(Vm vm, byte[] program) {
    X86CpuState state = X86LongMode.load(vm.memory(), program);
    state.set(X86Register.CR4, 0x620).set(X86Register.CR0, 0x8000_0033L);
    state.set(X86Register.RDI, DATA).set(X86Register.RCX, TURNS);
    Vcpu vcpu = vm.createVcpu();
    vcpu.writeState(state);
    return vcpu;
  }

  private static StateSaver saver(Vcpu vcpu) {
    return vcpu.ability(StateSaver.class).orElseThrow();
  }

  private static void runToExit(Vcpu vcpu, int count, ExitKind kind) {
    ExitFrame frame = new ExitFrame();
    for (int i = 0; i < count; i++) {
      assertThat(vcpu.run(frame)).isEqualTo(kind);
    }
  }

  private static End runToEnd(Vm vm, Vcpu vcpu, int exitsLeft) {
    runToExit(vcpu, exitsLeft, ExitKind.IO_WRITE);
    runToExit(vcpu, 1, ExitKind.HALT);
    X86CpuState state = (X86CpuState) vcpu.readState();
    return new End(
        Stream.iterate(0L, at -> at < 0x1020, at -> at + 8)
            .map(at -> vm.memory().readLong(DATA + at))
            .collect(Collectors.toList()),
        Stream.of(X86Register.values()).map(state::get).collect(Collectors.toList()));
  }

  private static void checkEqualRuns(SoftcpuOptions options, SoftcpuOptions restoredBy) {
    for (int exitsBefore : new int[] {0, 1, 7, EXITS}) {
      try (Hypervisor first = Hypervisors.open(options);
          Hypervisor second = Hypervisors.open(restoredBy);
          Vm vm = first.createVm(VmOptions.ofMemory(MEMORY_BYTE_SIZE));
          Vm copy = second.createVm(VmOptions.ofMemory(MEMORY_BYTE_SIZE))) {
        Vcpu vcpu = start(vm, PROGRAM);
        runToExit(vcpu, exitsBefore, ExitKind.IO_WRITE);
        byte[] state = saver(vcpu).save();
        copy.memory().unrestricted().copyFrom(vm.memory().unrestricted());
        End expected = runToEnd(vm, vcpu, EXITS - exitsBefore);

        Vcpu restored = copy.createVcpu();
        saver(restored).restore(saver(vcpu).formatVersion(), state);
        assertThat(saver(restored).save()).isEqualTo(state);
        assertThat(runToEnd(copy, restored, EXITS - exitsBefore)).isEqualTo(expected);
      }
    }
  }

  @Test
  void restoredRunEndsAsTheOneThatWasSaved() {
    checkEqualRuns(SoftcpuOptions.repeatable(3), SoftcpuOptions.repeatable(3));
  }

  @Test
  void stateDoesNotDependOnTranslationOrSeed() {
    checkEqualRuns(SoftcpuOptions.repeatable(3).interpreting(), SoftcpuOptions.repeatable(4));
  }

  @Test
  void restoringReplacesWhatTheVcpuDidBefore() {
    SoftcpuOptions options = SoftcpuOptions.repeatable(3);
    try (Hypervisor hypervisor = Hypervisors.open(options);
        Vm vm = hypervisor.createVm(VmOptions.ofMemory(MEMORY_BYTE_SIZE))) {
      Vcpu vcpu = start(vm, PROGRAM);
      byte[] state = saver(vcpu).save();
      End first = runToEnd(vm, vcpu, EXITS);
      saver(vcpu).restore(1, state);
      X86LongMode.load(vm.memory(), PROGRAM);
      vm.memory().unrestricted().asSlice(DATA, 0x2000).fill((byte) 0);
      assertThat(runToEnd(vm, vcpu, EXITS)).isEqualTo(first);
    }
  }

  @Test
  void stateIsNotSavedWhileAnInstructionWaitsForItsAnswer() {
    try (Hypervisor hypervisor = Hypervisors.open(SoftcpuOptions.defaults());
        Vm vm = hypervisor.createVm(VmOptions.ofMemory(MEMORY_BYTE_SIZE))) {
      Vcpu vcpu = start(vm, code("e5 12 # in eax, 0x12\nf4 # hlt"));
      ExitFrame frame = new ExitFrame();
      assertThat(vcpu.run(frame)).isEqualTo(ExitKind.IO_READ);
      assertThatThrownBy(() -> saver(vcpu).save())
          .isInstanceOf(IllegalStateException.class)
          .hasMessageStartingWith("an instruction waits for the monitor's answer");
      vcpu.kick();
      assertThat(vcpu.run(frame)).isEqualTo(ExitKind.INTERRUPTED);
      assertThat(saver(vcpu).save()).isNotEmpty();
    }
  }

  @Test
  void foreignStatesAreRefused() {
    try (Hypervisor hypervisor = Hypervisors.open(SoftcpuOptions.defaults());
        Hypervisor virtual = Hypervisors.open(SoftcpuOptions.repeatable(1));
        Vm vm = hypervisor.createVm(VmOptions.ofMemory(MEMORY_BYTE_SIZE));
        Vm virtualVm = virtual.createVm(VmOptions.ofMemory(MEMORY_BYTE_SIZE))) {
      Vcpu vcpu = start(vm, PROGRAM);
      byte[] state = saver(vcpu).save();
      assertRefused(vcpu, 2, state, "state of a vCPU of backend softcpu has format 2");
      assertRefused(vcpu, 1, new byte[8], "state of a vCPU has 8 bytes instead of " + state.length);
      assertRefused(vcpu, 1, new byte[state.length], "state of a vCPU has magic number 0x0");
      byte[] other = saver(start(virtualVm, PROGRAM)).save();
      assertRefused(vcpu, 1, other, "state of a vCPU has " + other.length + " bytes");
      assertThat(saver(vcpu).save()).hasSameSizeAs(state);
    }
  }

  private static void assertRefused(Vcpu vcpu, int version, byte[] state, String message) {
    assertThatThrownBy(() -> saver(vcpu).restore(version, state))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith(message);
  }
}
