// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ExitKind;
import dev.tealight.Hypervisor;
import dev.tealight.Monitor;
import dev.tealight.RunResult;
import dev.tealight.testkit.Guests;
import dev.tealight.testkit.HostResources;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Creating, running and closing many VMs. */
@Timeout(600)
class KvmLifeIT {
  private static final String WRITE_AND_HALT = "e6 10 f4";
  private static final String WRITE_FOR_EVER = "e6 10 eb fc";
  private static final String SPIN = "eb fe";
  private static final int RESIDENT_BYTES_PER_CYCLE = 100;

  private Hypervisor hypervisor;

  @BeforeEach
  void open() {
    hypervisor = TestKvm.open();
  }

  @AfterEach
  void close() {
    if (hypervisor != null) {
      hypervisor.close();
    }
  }

  @Test
  void cyclesOfCreateRunCloseLeaveNothingBehind() {
    HostResources.assertNothingLeftBy(
        250,
        TestKvm.effort(1_000, 10_000),
        () -> {
          try (KvmGuest guest = new KvmGuest(hypervisor, WRITE_AND_HALT)) {
            assertThat(guest.run()).isEqualTo(ExitKind.IO_WRITE);
            assertThat(guest.run()).isEqualTo(ExitKind.HALT);
          }
        });
  }

  @Test
  void cyclesOfAMonitorThatRunsHelloLeaveNothingBehind() {
    Monitor.Builder hello =
        Monitor.builder()
            .image("hello", Guests.image("hello"))
            .arguments("Hello_Solo5")
            .hypervisor(hypervisor);
    Runnable cycle =
        () -> {
          try (Monitor monitor = hello.build()) {
            assertThat(monitor.run()).isEqualTo(new RunResult.Halted(0));
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
        };
    int cycles = TestKvm.effort(250, 10_000);
    if (cycles < 10_000) {
      HostResources.assertNothingLeftBy(250, cycles, cycle);
    } else {
      HostResources.assertNothingLeftBy(250, cycles, RESIDENT_BYTES_PER_CYCLE, cycle);
    }
  }

  /** Otherwise the tests above could not fail. */
  @Test
  void openVmsCountAmongWhatTheProcessHolds() {
    int count = 20; // so many that nothing which the JVM opens or closes meanwhile matters
    List<KvmGuest> guests = new ArrayList<>();
    HostResources before = HostResources.now();
    try {
      for (int i = 0; i < count; i++) {
        KvmGuest guest = new KvmGuest(hypervisor, WRITE_AND_HALT);
        guests.add(guest);
        assertThat(guest.run()).isEqualTo(ExitKind.IO_WRITE);
      }
      HostResources open = HostResources.now();
      // The VM and its vCPU.
      assertThat(open.descriptors() - before.descriptors()).isGreaterThan(count + count / 2);
      // Guest memory, and the page that the vCPU shares with the kernel.
      assertThat(open.mappings() - before.mappings()).isGreaterThan(count + count / 2);
    } finally {
      guests.forEach(KvmGuest::close);
    }
  }

  @Test
  void vmsMayBeClosedInAnyOrder() {
    List<KvmGuest> guests = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      guests.add(new KvmGuest(hypervisor, WRITE_FOR_EVER));
    }
    Collections.shuffle(guests, new Random(1));
    for (int i = 0; i < guests.size(); i++) {
      guests.get(i).close();
      for (KvmGuest open : guests.subList(i + 1, guests.size())) {
        assertThat(open.run()).isEqualTo(ExitKind.IO_WRITE);
      }
    }
  }

  @Test
  void runningVmIsNotClosedAndGoesOn() throws InterruptedException {
    try (KvmGuest guest = new KvmGuest(hypervisor, SPIN)) {
      Thread runner = Thread.ofPlatform().start(guest::run);
      KvmVcpu vcpu = (KvmVcpu) guest.vcpu;
      while (!vcpu.isRunning()) {
        Thread.onSpinWait();
      }
      try {
        assertThatThrownBy(guest.vm::close)
            .isInstanceOf(IllegalStateException.class)
            .hasMessageStartingWith("a vCPU of this VM is being run");
      } finally {
        guest.vcpu.kick();
        runner.join();
      }
      assertThat(guest.exit.kind()).isEqualTo(ExitKind.INTERRUPTED);
    }
  }

  @Test
  void twoVmsRunAtOnce() throws InterruptedException {
    try (KvmGuest spinning = new KvmGuest(hypervisor, SPIN);
        KvmGuest other = new KvmGuest(hypervisor, WRITE_AND_HALT)) {
      Thread runner = Thread.ofPlatform().start(spinning::run);
      assertThat(other.run()).isEqualTo(ExitKind.IO_WRITE);
      assertThat(other.run()).isEqualTo(ExitKind.HALT);
      spinning.vcpu.kick();
      runner.join();
      assertThat(spinning.exit.kind()).isEqualTo(ExitKind.INTERRUPTED);
    }
  }

  @Test
  void backendChosenAndBackendNamedAreOneHypervisor() {
    Monitor.Builder first =
        Monitor.builder().image("hello", Guests.image("hello")).memoryByteSize(4 << 20);
    try (Monitor chosen = first.build();
        Monitor named = first.backend("kvm").build()) {
      assertThat(named.hypervisor()).isSameAs(chosen.hypervisor());
    }
  }

  @Test
  void virtualThreadMayRunAVcpuAndBeKicked() throws InterruptedException {
    try (KvmGuest guest = new KvmGuest(hypervisor, SPIN)) {
      Thread runner = Thread.ofVirtual().start(guest::run);
      guest.vcpu.kick();
      runner.join();
      assertThat(guest.exit.kind()).isEqualTo(ExitKind.INTERRUPTED);
    }
  }
}
