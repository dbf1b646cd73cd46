// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.HostCallException;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.ffi.bhyve.BhyveOptions;
import dev.tealight.spi.DirtyTracking;
import dev.tealight.spi.Doorbells;
import dev.tealight.spi.HostedChips;
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
