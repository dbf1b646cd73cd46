// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.ffi.bhyve.BhyveOptions;
import dev.tealight.testkit.X86LongMode;
import java.util.HexFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which moves outside memory are understood, and what they do. */
class MmioInstructionTest {
  private static final long OUTSIDE = 0x3000_0000;
  private static final long BEFORE = 0x1122334455667788L;

  private static X86CpuState load(Vm vm, String hex) {
    X86CpuState state = X86LongMode.load(vm.memory(), HexFormat.of().parseHex(hex + "f4"));
    for (X86Register register : X86Register.values()) {
      if (register.compareTo(X86Register.R15) <= 0 && register != X86Register.RSP) {
        state.set(register, BEFORE);
      }
    }
    return state.set(X86Register.RDI, OUTSIDE);
  }

  @ParameterizedTest
  @CsvSource({
    "8807,1,0x88", // mov %al, (%rdi)
    "8827,1,0x77", // mov %ah, (%rdi)
    "408837,1,0x88", // mov %sil, (%rdi)
    "66448907,2,0x7788", // mov %r8w, (%rdi)
    "4489470c,4,0x55667788", // mov %r8d, 12(%rdi)
    "4c893c27,8,0x1122334455667788", // mov %r15, (%rdi,%riz)
    "c60742,1,0x42", // movb $0x42, (%rdi)
    "66c7073412,2,0x1234", // movw $0x1234, (%rdi)
    "c70778563412,4,0x12345678", // movl $0x12345678, (%rdi)
    "48c707ffffffff,8,-1" // movq $-1, (%rdi)
  })
  void writesGiveWidthAndValue(String hex, int width, String value) {
    try (BhyveHypervisor hypervisor =
            BhyveHypervisor.open(new VmmModel(14, true).host(), BhyveOptions.DEFAULT);
        Vm vm = hypervisor.createVm(VmOptions.ofMemory(1 << 20));
        Vcpu vcpu = vm.createVcpu()) {
      vcpu.writeState(load(vm, hex));
      ExitFrame exit = new ExitFrame();
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.MMIO_WRITE);
      assertThat(exit.width()).isEqualTo(width);
      assertThat(exit.value()).isEqualTo(Long.decode(value));
      assertThat(vcpu.run(exit)).as("goes on behind it").isEqualTo(ExitKind.HALT);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "8a07,1,RAX,0x11223344556677f0", // mov (%rdi), %al
    "8a27,1,RAX,0x112233445566f088", // mov (%rdi), %ah
    "668b07,2,RAX,0x112233445566e1f0", // mov (%rdi), %ax
    "448b07,4,R8,0xa5b4e1f0", // mov (%rdi), %r8d
    "488b1f,8,RBX,0x0f0f0f0fa5b4e1f0", // mov (%rdi), %rbx
    "0fb607,1,RAX,0xf0", // movzbl (%rdi), %eax
    "480fb70f,2,RCX,0xe1f0", // movzwq (%rdi), %rcx
    "0fbe07,1,RAX,0xfffffff0", // movsbl (%rdi), %eax
    "480fbe07,1,RAX,-16" // movsbq (%rdi), %rax
  })
  void readsSetTheRegister(String hex, int width, X86Register register, String value) {
    try (BhyveHypervisor hypervisor =
            BhyveHypervisor.open(new VmmModel(14, true).host(), BhyveOptions.DEFAULT);
        Vm vm = hypervisor.createVm(VmOptions.ofMemory(1 << 20));
        Vcpu vcpu = vm.createVcpu()) {
      vcpu.writeState(load(vm, hex));
      ExitFrame exit = new ExitFrame();
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.MMIO_READ);
      assertThat(exit.width()).isEqualTo(width);
      exit.complete(0x0f0f0f0fa5b4e1f0L);
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.HALT);
      X86CpuState state = (X86CpuState) vcpu.readState();
      assertThat(state.get(register)).isEqualTo(Long.decode(value));
    }
  }
}
