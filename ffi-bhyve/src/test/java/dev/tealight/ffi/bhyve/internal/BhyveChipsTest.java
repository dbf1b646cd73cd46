// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.HostCallException;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.ffi.bhyve.BhyveOptions;
import dev.tealight.spi.DirtyTracking;
import dev.tealight.spi.Doorbells;
import dev.tealight.spi.HostedChips;
import dev.tealight.testkit.X86LongMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the backend asks the kernel's chips for. */
class BhyveChipsTest {
  private static final VmOptions OPTIONS = VmOptions.ofMemory(1 << 20);

  private static BhyveHypervisor open(VmmModel kernel) {
    return BhyveHypervisor.open(kernel.host(), BhyveOptions.DEFAULT);
  }

  @ParameterizedTest
  @ValueSource(ints = {13, 14, 15})
  void eachRequestIsOneCall(int version) {
    VmmModel kernel = new VmmModel(version, true);
    try (BhyveHypervisor hypervisor = open(kernel);
        Vm vm = hypervisor.createVm(OPTIONS)) {
      HostedChips chips = vm.ability(HostedChips.class).orElseThrow();
      kernel.calls.clear();
      chips.setClock(1_955_000_000);
      chips.levelTrigger(10);
      chips.setLevel(10, true);
      chips.setLevel(10, false);
      assertThat(kernel.calls)
          .containsExactly(
              "VM_RTC_SETTIME",
              "VM_ISA_SET_IRQ_TRIGGER",
              "VM_ISA_ASSERT_IRQ",
              "VM_ISA_DEASSERT_IRQ");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {13, 14, 15})
  void levelThatALineHasIsNoCall(int version) {
    VmmModel kernel = new VmmModel(version, true);
    try (BhyveHypervisor hypervisor = open(kernel);
        Vm vm = hypervisor.createVm(OPTIONS)) {
      HostedChips chips = vm.ability(HostedChips.class).orElseThrow();
      kernel.calls.clear();
      chips.setLevel(10, false);
      chips.setLevel(10, true);
      vm.ability(HostedChips.class).orElseThrow().setLevel(10, true);
      chips.setLevel(11, true);
      assertThat(kernel.calls).containsExactly("VM_ISA_ASSERT_IRQ", "VM_ISA_ASSERT_IRQ");
    }
  }

  /** A guest that halted for good is run on. */
  @ParameterizedTest
  @ValueSource(ints = {13, 14, 15})
  void afterAResetLinesAreLevelTriggeredAgainAndLow(int version) {
    VmmModel kernel = new VmmModel(version, true);
    try (BhyveHypervisor hypervisor = open(kernel);
        Vm vm = hypervisor.createVm(OPTIONS);
        Vcpu vcpu = vm.createVcpu()) {
      HostedChips chips = vm.ability(HostedChips.class).orElseThrow();
      chips.levelTrigger(10);
      chips.setLevel(10, true);
      vcpu.writeState(
          X86LongMode.load(vm.memory(), new byte[] {(byte) 0xfa, (byte) 0xf4})); // cli; hlt
      assertThat(vcpu.run(new ExitFrame())).isEqualTo(ExitKind.HALT);
      kernel.calls.clear();
      vcpu.writeState(vcpu.readState());
      assertThat(kernel.calls).containsSubsequence("VM_REINIT", "VM_ISA_SET_IRQ_TRIGGER");
      kernel.calls.clear();
      chips.setLevel(10, false);
      assertThat(kernel.calls).isEmpty();
      chips.setLevel(10, true);
      assertThat(kernel.calls).containsExactly("VM_ISA_ASSERT_IRQ");
    }
  }

  @Test
  void chipsOfAClosedVmAreRefused() {
    try (BhyveHypervisor hypervisor = open(new VmmModel(15, true))) {
      Vm vm = hypervisor.createVm(OPTIONS);
      vm.close();
      assertThatThrownBy(() -> vm.ability(HostedChips.class))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("the VM is closed");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {13, 14, 15})
  void whatTheKernelRefusesIsNamed(int version) {
    try (BhyveHypervisor hypervisor = open(new VmmModel(version, true));
        Vm vm = hypervisor.createVm(OPTIONS)) {
      HostedChips chips = vm.ability(HostedChips.class).orElseThrow();
      assertThatThrownBy(() -> chips.setLevel(16, true))
          .isInstanceOf(HostCallException.class)
          .hasMessageContainingAll("VM_ISA_ASSERT_IRQ", "EINVAL (22)", "line=16");
      assertThatThrownBy(() -> chips.setLevel(-1, false))
          .isInstanceOf(HostCallException.class)
          .hasMessageContaining("VM_ISA_DEASSERT_IRQ");
      assertThatThrownBy(() -> chips.levelTrigger(8))
          .isInstanceOf(HostCallException.class)
          .hasMessageContainingAll("VM_ISA_SET_IRQ_TRIGGER", "level-triggered=8");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {13, 14, 15})
  void vmHasNoOtherAbility(int version) {
    try (BhyveHypervisor hypervisor = open(new VmmModel(version, true));
        Vm vm = hypervisor.createVm(OPTIONS)) {
      assertThat(vm.ability(Doorbells.class)).isEmpty();
      assertThat(vm.ability(DirtyTracking.class)).isEmpty();
    }
  }
}
