// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ConfigurationException;
import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.HostCallException;
import dev.tealight.HypervisorUnavailableException;
import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.VmmException;
import dev.tealight.ffi.bhyve.BhyveOptions;
import dev.tealight.ffi.posix.FreeBsdErrno;
import dev.tealight.spi.DebugControl;
import dev.tealight.spi.StateSaver;
import dev.tealight.testkit.Allocation;
import dev.tealight.testkit.X86LongMode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a VM costs and what is left of one, at every call to the host. */
class BhyveCreationTest {
  private static final VmOptions OPTIONS = VmOptions.ofMemory(1L << 20);

  /** out %al, $0x10; in $0x10, %al; cli; hlt. */
  private static final byte[] CODE = {
    (byte) 0xe6, 0x10, (byte) 0xe4, 0x10, (byte) 0xfa, (byte) 0xf4
  };

  private static BhyveHypervisor open(VmmModel kernel) {
    return BhyveHypervisor.open(kernel.host(), BhyveOptions.DEFAULT);
  }

  /** Everything that a monitor makes on bhyve. */
  private static void createAll(VmmModel kernel) {
    try (BhyveHypervisor hypervisor = open(kernel);
        var waiter = hypervisor.createWaiter();
        Vm vm = hypervisor.createVm(OPTIONS);
        Vcpu vcpu = vm.createVcpu()) {
      vm.protect(List.of(new Region(0x80000, 0x1000, Protection.READ_ONLY)));
      assertThat(vcpu.cycleCounterHz()).isEqualTo(VmmModel.TSC_FREQUENCY);
      vcpu.writeState(X86LongMode.load(vm.memory(), CODE));
      ExitFrame exit = new ExitFrame();
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.IO_WRITE);
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.IO_READ);
      vcpu.kick();
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.INTERRUPTED);
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.HALT);
      vcpu.writeState(vcpu.readState());
      waiter.wake();
    }
  }

  private static void assertNothingLeft(VmmModel kernel) {
    assertThat(kernel.descriptors).as("descriptors").isEmpty();
    assertThat(kernel.mappings).as("mappings").isEmpty();
    assertThat(kernel.vms).as("VMs").isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {13, 14, 15})
  void everythingIsFreedWhenNothingFails(int version) {
    VmmModel kernel = new VmmModel(version, true);
    createAll(kernel);
    assertThat(kernel.calls).hasSizeGreaterThan(40);
    assertNothingLeft(kernel);
  }

  @ParameterizedTest
  @ValueSource(ints = {13, 14, 15})
  void everythingIsFreedWhicheverCallFails(int version) {
    VmmModel whole = new VmmModel(version, true);
    createAll(whole);
    for (int call = 0; call < whole.calls.size(); call++) {
      VmmModel kernel = new VmmModel(version, true).failing(call, FreeBsdErrno.ENOMEM);
      assertThatThrownBy(() -> createAll(kernel))
          .as(whole.calls.get(call))
          .isInstanceOf(VmmException.class)
          .hasMessageContaining("ENOMEM (12)");
      assertNothingLeft(kernel);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {13, 14, 15})
  void hypercallCostsOneCallToTheHost(int version) {
    VmmModel kernel = new VmmModel(version, true);
    // 1: out %eax, $0x12; jmp 1b
    byte[] code = {(byte) 0xe7, 0x12, (byte) 0xeb, (byte) 0xfc};
    try (BhyveHypervisor hypervisor = open(kernel);
        Vm vm = hypervisor.createVm(OPTIONS);
        Vcpu vcpu = vm.createVcpu()) {
      vcpu.writeState(X86LongMode.load(vm.memory(), code));
      ExitFrame exit = new ExitFrame();
      vcpu.run(exit);
      kernel.calls.clear();
      for (int i = 0; i < 10; i++) {
        assertThat(vcpu.run(exit)).isEqualTo(ExitKind.IO_WRITE);
      }
      assertThat(kernel.calls).isEqualTo(Collections.nCopies(10, "VM_RUN"));
    }
  }

  @Test
  void exitsAllocateNothing() {
    VmmModel kernel = new VmmModel(15, true);
    int exits = 100_000;
    Allocation allocation = new Allocation();
    try (BhyveHypervisor hypervisor = open(kernel);
        Vm vm = hypervisor.createVm(OPTIONS);
        Vcpu vcpu = vm.createVcpu()) {
      vcpu.writeState(X86LongMode.load(vm.memory(), CODE));
      ExitFrame exit = new ExitFrame();
      vcpu.run(exit);
      kernel.repeating = true;
      for (int i = 0; i < 1_000; i++) {
        vcpu.run(exit);
      }
      long before = allocation.byteSize();
      for (int i = 0; i < exits; i++) {
        vcpu.run(exit);
      }
      long allocated = allocation.byteSize() - before;
      assertThat(exit.kind()).isEqualTo(ExitKind.IO_WRITE);
      // What asking and compiling cost once does not grow with the exits.
      assertThat(allocated).isLessThan(exits / 10);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {13, 14, 15})
  void guestIsStartedWithThisManyCalls(int version) {
    VmmModel kernel = new VmmModel(version, true);
    try (BhyveHypervisor hypervisor = open(kernel)) {
      kernel.calls.clear();
      try (Vm vm = hypervisor.createVm(OPTIONS);
          Vcpu vcpu = vm.createVcpu()) {
        vm.protect(List.of(new Region(0x80000, 0x1000, Protection.READ_ONLY)));
        vcpu.writeState(X86LongMode.load(vm.memory(), CODE));
        vcpu.run(new ExitFrame());
      }
      List<String> expected = new ArrayList<>();
      expected.add(version < 15 ? "sysctl hw.vmm.create" : "VMMCTL_VM_CREATE");
      String opened = kernel.calls.get(1);
      assertThat(opened).startsWith("open /dev/vmm/tealight-");
      expected.addAll(List.of(opened, "VM_ALLOC_MEMSEG", "VM_MMAP_MEMSEG", "mmap", "minherit"));
      expected.addAll(List.of("VM_SET_CAPABILITY", "VM_SET_REGISTER_SET"));
      expected.addAll(Collections.nCopies(10, "VM_SET_SEGMENT_DESCRIPTOR"));
      expected.add("VM_MUNMAP_MEMSEG");
      expected.addAll(Collections.nCopies(3, "VM_MMAP_MEMSEG"));
      expected.addAll(List.of("VM_ACTIVATE_CPU", "VM_RUN"));
      assertThat(kernel.calls).isEqualTo(expected).hasSize(24);
    }
  }

  @Test
  void formsOfOtherVersionsAreFoundWhenAJailGivesAWrongVersion() {
    for (int said : new int[] {13, 14, 15, 16, 17}) {
      for (int is : new int[] {13, 14, 15}) {
        VmmModel kernel = new VmmModel(is, true);
        kernel.osRelease = said * 100_000;
        createAll(kernel);
        assertNothingLeft(kernel);
      }
    }
  }

  @Test
  void olderFormsDoOnAKernelThatKeepsThem() {
    for (int is : new int[] {14, 15}) {
      VmmModel kernel = new VmmModel(is, true);
      kernel.compatible = true;
      kernel.osRelease = 1_300_000;
      createAll(kernel);
      assertThat(kernel.calls).contains("VM_RUN_13").doesNotContain("VM_RUN");
      assertNothingLeft(kernel);
    }
  }

  @Test
  void kernelThatKnowsNoFormOfRunningIsAFailureOfTheHost() {
    VmmModel kernel = new VmmModel(15, true);
    try (BhyveHypervisor hypervisor = open(kernel);
        Vm vm = hypervisor.createVm(OPTIONS);
        Vcpu vcpu = vm.createVcpu()) {
      kernel.runs = false;
      assertThatThrownBy(() -> vcpu.run(new ExitFrame()))
          .isInstanceOf(HostCallException.class)
          .hasMessageContaining("ioctl(VM_RUN) failed: ENOTTY (25)");
    }
  }

  @Test
  void vmsEndWithTheProcessWhereTheKernelCan() {
    VmmModel kernel = new VmmModel(15, true);
    kernel.osRelease = 1_600_000;
    kernel.destroysOnClose = true;
    BhyveHypervisor hypervisor = open(kernel);
    hypervisor.createVm(OPTIONS);
    int control = kernel.descriptors.keySet().stream().min(Integer::compare).orElseThrow();
    kernel.close(control); // as at the end of a process
    assertThat(kernel.vms).isEmpty();
  }

  @Test
  void moreMappingsThanTheKernelHasAreRefusedByNumber() {
    VmmModel kernel = new VmmModel(14, true);
    try (BhyveHypervisor hypervisor = open(kernel);
        Vm vm = hypervisor.createVm(OPTIONS)) {
      List<Region> regions = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        regions.add(new Region(0x10000 + i * 0x2000L, 0x1000, Protection.READ_ONLY));
      }
      assertThatThrownBy(() -> vm.protect(regions))
          .isInstanceOf(ConfigurationException.class)
          .hasMessage(
              "the protection of guest memory takes 9 mappings, FreeBSD's vmm has 8: join regions,"
                  + " or give neighbours the same protection");
      assertThat(vm.memory().regions()).isEmpty();
      vm.protect(regions.subList(0, 3));
    }
  }

  @Test
  void unstableCycleCounterIsExplained() {
    VmmModel kernel = new VmmModel(15, true);
    kernel.invariantTsc = false;
    try (BhyveHypervisor hypervisor = open(kernel);
        Vm vm = hypervisor.createVm(OPTIONS);
        Vcpu vcpu = vm.createVcpu()) {
      assertThatThrownBy(vcpu::cycleCounterHz)
          .isInstanceOf(HypervisorUnavailableException.class)
          .hasMessageContaining("kern.timecounter.invariant_tsc is not 1");
    }
  }

  @Test
  void kernelThatHasNeitherStepsNorBreakpointsOffersNoDebugging() {
    try (BhyveHypervisor hypervisor = open(new VmmModel(13, true));
        Vm vm = hypervisor.createVm(OPTIONS);
        Vcpu vcpu = vm.createVcpu()) {
      assertThat(vcpu.ability(DebugControl.class)).isEmpty();
    }
  }

  @Test
  void stateIsNotSaved() {
    try (BhyveHypervisor hypervisor = open(new VmmModel(15, true));
        Vm vm = hypervisor.createVm(OPTIONS);
        Vcpu vcpu = vm.createVcpu()) {
      assertThat(vcpu.ability(StateSaver.class)).isEmpty();
    }
  }
}
