// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.Console;
import dev.tealight.Hypervisor;
import dev.tealight.HypervisorUnavailableException;
import dev.tealight.Monitor;
import dev.tealight.RunHandle;
import dev.tealight.RunResult;
import dev.tealight.VmmException;
import dev.tealight.device.block.BlockConfig;
import dev.tealight.device.net.NetConfig;
import dev.tealight.device.net.SwitchEndpoint;
import dev.tealight.device.net.VirtualSwitch;
import dev.tealight.ffi.bhyve.BhyveOptions;
import dev.tealight.ffi.posix.FreeBsdErrno;
import dev.tealight.multiboot.Multiboot;
import dev.tealight.testkit.Guests;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Multiboot kernels work on a model of every version of vmm. */
class BhyveKernelsTest {

  @Nested
  class On13 extends KernelGuests {
    @Override
    Hypervisor open() {
      return BhyveContractTest.open(13, true);
    }
  }

  @Nested
  class On14 extends KernelGuests {
    @Override
    Hypervisor open() {
      return BhyveContractTest.open(14, true);
    }
  }

  @Nested
  class On15 extends KernelGuests {
    @Override
    Hypervisor open() {
      return BhyveContractTest.open(15, true);
    }
  }

  @Nested
  class On15WithIntel extends KernelGuests {
    @Override
    Hypervisor open() {
      return BhyveContractTest.open(15, false);
    }
  }

  private static void runKernel(VmmModel kernel) throws InterruptedException {
    try (BhyveHypervisor hypervisor = BhyveHypervisor.open(kernel.host(), BhyveOptions.DEFAULT);
        Monitor monitor =
            Monitor.builder()
                .image("pc.elf", Guests.kernel("pc"))
                .bootProtocol(Multiboot.PROTOCOL.withDevice("disk", "BLOCK_BASIC"))
                .memoryByteSize(4 << 20)
                .console(Console.direct((bytes, offset, count) -> {}))
                .device("disk", BlockConfig.memory(KernelGuests.FIRST_SECTOR))
                .deadline(Duration.ofSeconds(60))
                .hypervisor(hypervisor)
                .build()) {
      assertThat(monitor.run()).isEqualTo(new RunResult.Halted(0));
    }
  }

  private static void assertNothingLeft(VmmModel kernel) {
    assertThat(kernel.descriptors).as("descriptors").isEmpty();
    assertThat(kernel.mappings).as("mappings").isEmpty();
    assertThat(kernel.vms).as("VMs").isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {13, 14, 15})
  void everythingIsFreedWhicheverCallForAKernelFails(int version) throws InterruptedException {
    VmmModel whole = new VmmModel(version, true);
    runKernel(whole);
    assertNothingLeft(whole);
    List<String> calls = List.copyOf(whole.calls);
    assertThat(calls)
        .contains("VM_RTC_SETTIME", "VM_ISA_SET_IRQ_TRIGGER")
        .contains("VM_ISA_ASSERT_IRQ", "VM_ISA_DEASSERT_IRQ");
    int running = calls.indexOf("VM_RUN");
    for (int call = 0; call < calls.size(); call++) {
      if (call > running && !calls.get(call).startsWith("VM_ISA")) {
        continue; // others have their own test
      }
      VmmModel kernel = new VmmModel(version, true).failing(call, FreeBsdErrno.ENOMEM);
      assertThatThrownBy(() -> runKernel(kernel))
          .as(calls.get(call))
          .isInstanceOf(VmmException.class)
          .hasMessageContaining("ENOMEM (12)");
      assertNothingLeft(kernel);
    }
  }

  @Test
  void processorsThatCannotRunWithoutPagingAreNamed() {
    VmmModel kernel = new VmmModel(15, false);
    kernel.unrestricted = false;
    assertThatThrownBy(() -> runKernel(kernel))
        .isInstanceOf(HypervisorUnavailableException.class)
        .hasMessageContaining("unrestricted guest");
    assertNothingLeft(kernel);
  }

  /** The echo kernel, asleep in the kernel until a frame comes. */
  @Test
  void guestThatIsHaltedInTheKernelIsWokenByAFrameAndNothingElse() throws InterruptedException {
    VmmModel kernel = new VmmModel(15, true);
    try (BhyveHypervisor hypervisor = BhyveHypervisor.open(kernel.host(), BhyveOptions.DEFAULT);
        VirtualSwitch network = new VirtualSwitch();
        SwitchEndpoint neighbour = network.port("neighbour").endpoint();
        Monitor monitor =
            Monitor.builder()
                .image("echo.elf", Guests.kernel("echo"))
                .bootProtocol(Multiboot.PROTOCOL.withDevice("net", "NET_BASIC"))
                .memoryByteSize(16 << 20)
                .arguments("halted")
                .device("net", NetConfig.of(network.port("guest")).mac(KernelGuests.GUEST))
                .deadline(Duration.ofSeconds(60))
                .hypervisor(hypervisor)
                .build()) {
      RunHandle handle = monitor.start();
      assertThat(neighbour.receive(Duration.ofSeconds(30))).isPresent();
      ModelVcpu vcpu =
          Objects.requireNonNull(kernel.vms.values().iterator().next().vcpu(0), "no vCPU");
      RawVm.await(vcpu::isAsleep);
      kernel.calls.clear();
      neighbour.send(KernelGuests.frame(60, '.'));
      assertThat(neighbour.receive(Duration.ofSeconds(30))).isPresent();
      assertThat(kernel.calls)
          .startsWith("VM_SUSPEND_CPU", "VM_RESUME_CPU", "VM_ISA_ASSERT_IRQ", "VM_RUN");
      handle.stop();
      assertThat(handle.await()).isEqualTo(new RunResult.Stopped());
    }
  }
}
