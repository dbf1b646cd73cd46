// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import dev.tealight.ExitFrame;
import dev.tealight.HostCallException;
import dev.tealight.HypervisorUnavailableException;
import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.VmmException;
import dev.tealight.ffi.kvm.KvmOptions;
import dev.tealight.ffi.posix.LinuxErrno;
import dev.tealight.spi.Doorbells;
import dev.tealight.spi.Doorbells.Doorbell;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is left of a VM whose creation fails, at every call to the host. */
class KvmCreationTest {
  private static final VmOptions OPTIONS = VmOptions.ofMemory(8L << 20);

  /** Everything that a monitor makes on KVM, twice, so that the resident VM is made too. */
  private static void createAll(ScriptedKernel kernel) {
    try (KvmHypervisor hypervisor = KvmHypervisor.open(kernel, KvmOptions.DEFAULT)) {
      for (int round = 0; round < 2; round++) {
        try (var waiter = hypervisor.createWaiter();
            Vm vm = hypervisor.createVm(OPTIONS)) {
          vm.protect(List.of(new Region(0x1000, 0x1000, Protection.READ_ONLY)));
          Vcpu vcpu = vm.createVcpu();
          vcpu.writeState(vcpu.readState());
          try (Doorbell doorbell = vm.ability(Doorbells.class).orElseThrow().onPort(1)) {
            doorbell.acknowledge();
          }
          vcpu.run(new ExitFrame());
          vcpu.close();
          waiter.wake();
        }
      }
    }
  }

  @Test
  void everythingIsFreedWhenNothingFails() {
    ScriptedKernel kernel = new ScriptedKernel();
    createAll(kernel);
    assertThat(kernel.calls).hasSizeGreaterThan(60);
    assertNothingLeft(kernel);
  }

  @Test
  void everythingIsFreedWhicheverCallFails() {
    ScriptedKernel whole = new ScriptedKernel();
    createAll(whole);
    int harmless = 0;
    for (int call = 0; call < whole.calls.size(); call++) {
      ScriptedKernel kernel = new ScriptedKernel().failing(call, LinuxErrno.EIO);
      try {
        createAll(kernel);
        harmless++;
      } catch (VmmException e) {
        assertThat(e.getMessage()).contains("EIO (5)");
      }
      assertNothingLeft(kernel);
    }
    // Advice on large pages, wakes, and acknowledgements of a doorbell.
    assertThat(harmless).isLessThanOrEqualTo(14);
  }

  private static void assertNothingLeft(ScriptedKernel kernel) {
    assertThat(kernel.descriptors).as("descriptors").isEmpty();
    assertThat(kernel.mappings).as("mappings").isEmpty();
  }

  @Test
  void failureOfTheHostIsNoAnswerToTheQuestionOfThePrivilegeLevel() {
    ScriptedKernel kernel = new ScriptedKernel();
    ScriptedKernel.Answer works =
        Objects.requireNonNull(
            kernel.answers.put(KvmIoctl.CREATE_VM.code(), argument -> -LinuxErrno.EIO));
    try (KvmHypervisor hypervisor = KvmHypervisor.open(kernel, KvmOptions.DEFAULT)) {
      assertThatThrownBy(hypervisor::description).isInstanceOf(HostCallException.class);
      kernel.answers.put(KvmIoctl.CREATE_VM.code(), works);
      assertThat(hypervisor.description()).contains("guests start at privilege level 0");
    }
    assertNothingLeft(kernel);
  }

  @Test
  void nothingIsLeftWhereLevel3WasAskedForInVain() {
    ScriptedKernel kernel = new ScriptedKernel();
    KvmOptions always = KvmOptions.DEFAULT.withRing3(KvmOptions.Ring3Policy.ALWAYS);
    assertThatThrownBy(() -> KvmHypervisor.open(kernel, always))
        .isInstanceOf(HypervisorUnavailableException.class)
        .hasMessageContaining("use Ring3Policy.AUTO or NEVER");
    assertNothingLeft(kernel);
  }

  @Test
  void hypervisorWithOpenVmsStaysOpen() {
    ScriptedKernel kernel = new ScriptedKernel();
    KvmHypervisor hypervisor = KvmHypervisor.open(kernel, KvmOptions.DEFAULT);
    Vm vm = hypervisor.createVm(OPTIONS);
    assertThatThrownBy(hypervisor::close)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("1 VMs of this hypervisor are open: close them first");
    vm.createVcpu();
    vm.close();
    hypervisor.close();
    hypervisor.close();
    assertNothingLeft(kernel);
  }

  @Test
  @Timeout(60)
  void slowCreationOfAVmHoldsUpNoOther() throws Exception {
    ScriptedKernel kernel = new ScriptedKernel();
    try (KvmHypervisor hypervisor = KvmHypervisor.open(kernel, KvmOptions.DEFAULT)) {
      hypervisor.createVm(OPTIONS).close();
      hypervisor.createVm(OPTIONS).close(); // and the resident VM
      ScriptedKernel.Answer create =
          Objects.requireNonNull(kernel.answers.get(KvmIoctl.CREATE_VM.code()));
      CountDownLatch slow = new CountDownLatch(1);
      CountDownLatch other = new CountDownLatch(1);
      Thread[] first = new Thread[1];
      kernel.answers.put(
          KvmIoctl.CREATE_VM.code(),
          argument -> {
            if (Thread.currentThread() == first[0]) {
              slow.countDown();
              await(other);
            }
            return create.to(argument);
          });
      first[0] = Thread.ofPlatform().unstarted(() -> hypervisor.createVm(OPTIONS).close());
      first[0].start();
      await(slow);
      hypervisor.createVm(OPTIONS).close();
      assertThatThrownBy(hypervisor::close).hasMessageStartingWith("1 VMs");
      other.countDown();
      first[0].join();
    }
    assertNothingLeft(kernel);
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void deviceIsClosedEvenIfTheResidentVmCannotBe() {
    ScriptedKernel kernel = new ScriptedKernel();
    KvmHypervisor hypervisor = KvmHypervisor.open(kernel, KvmOptions.DEFAULT);
    hypervisor.createVm(OPTIONS).close();
    hypervisor.createVm(OPTIONS).close();
    kernel.failCloseOnce(LinuxErrno.EIO);
    assertThatThrownBy(hypervisor::close).isInstanceOf(HostCallException.class);
    assertNothingLeft(kernel);
    hypervisor.close();
  }

  @Test
  void vcpuThatFailedCanBeCreatedAgain() {
    ScriptedKernel kernel = new ScriptedKernel();
    try (KvmHypervisor hypervisor = KvmHypervisor.open(kernel, KvmOptions.DEFAULT);
        Vm vm = hypervisor.createVm(OPTIONS)) {
      kernel.answers.put(KvmIoctl.SET_CPUID2.code(), argument -> -LinuxErrno.E2BIG);
      assertThatThrownBy(vm::createVcpu).isInstanceOf(HostCallException.class);
      kernel.answers.remove(KvmIoctl.SET_CPUID2.code());
      vm.createVcpu();
    }
    assertNothingLeft(kernel);
  }

  @Test
  void slotsThatFailedAreInstalledByTheNextRun() {
    ScriptedKernel kernel = new ScriptedKernel();
    try (KvmHypervisor hypervisor = KvmHypervisor.open(kernel, KvmOptions.DEFAULT);
        Vm vm = hypervisor.createVm(OPTIONS)) {
      Vcpu vcpu = vm.createVcpu();
      int request = KvmIoctl.SET_USER_MEMORY_REGION.code();
      kernel.answers.put(request, argument -> -LinuxErrno.EINVAL);
      assertThatThrownBy(() -> vcpu.run(new ExitFrame()))
          .hasMessage(
              "ioctl(KVM_SET_USER_MEMORY_REGION) failed: EINVAL (22):"
                  + " slot=0 flags=0x0 gpa=0x0 byteSize=8388608 on KVM_CREATE_VM");
      kernel.answers.remove(request);
      kernel.calls.clear();
      vcpu.run(new ExitFrame());
      vcpu.run(new ExitFrame());
      assertThat(kernel.calls)
          .filteredOn(call -> call.equals("ioctl 0x%x".formatted(request)))
          .hasSize(1);
    }
  }

  @Test
  void unstableCycleCounterIsExplained() {
    ScriptedKernel kernel = new ScriptedKernel();
    kernel.answers.put(KvmIoctl.GET_TSC_KHZ.code(), argument -> -LinuxErrno.EIO);
    try (KvmHypervisor hypervisor = KvmHypervisor.open(kernel, KvmOptions.DEFAULT);
        Vm vm = hypervisor.createVm(OPTIONS)) {
      Vcpu vcpu = vm.createVcpu();
      assertThatThrownBy(vcpu::cycleCounterHz)
          .isInstanceOf(HostCallException.class)
          .hasMessage(
              "ioctl(KVM_GET_TSC_KHZ) failed: EIO (5): the host's time stamp counter is not stable,"
                  + " and guests read their clock from it: run on a host with an invariant"
                  + " counter");
    }
  }

  @Test
  void signalOfSomebodyElseIsRefusedBeforeAnythingStaysOpen() {
    ScriptedKernel kernel = new ScriptedKernel();
    kernel.handler = 0x777;
    try {
      KvmHypervisor.open(kernel, KvmOptions.DEFAULT);
      fail("opened");
    } catch (HypervisorUnavailableException e) {
      assertThat(e).hasMessageContaining("signal 42").hasMessageContaining("0x777");
    }
    assertNothingLeft(kernel);
    assertThat(kernel.handler).isEqualTo(0x777);
  }
}
