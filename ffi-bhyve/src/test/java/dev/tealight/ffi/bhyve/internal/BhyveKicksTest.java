// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.ffi.bhyve.BhyveOptions;
import dev.tealight.testkit.X86LongMode;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Many kicks, wherever the vCPU is, and many VMs, on every version. */
@Timeout(300)
@ParameterizedClass(name = "{0}")
@ValueSource(ints = {13, 14, 15})
class BhyveKicksTest {
  private static final boolean NIGHTLY = "nightly".equals(System.getProperty("tealight.effort"));
  private static final int KICKS = NIGHTLY ? 10_000 : 1_000;
  private static final int VMS = NIGHTLY ? 10_000 : 200;
  private static final byte[] SPIN = {(byte) 0xeb, (byte) 0xfe};
  private static final byte[] WRITE_FOR_EVER = {(byte) 0xe7, 0x12, (byte) 0xeb, (byte) 0xfc};

  /** 1: sti; hlt; jmp 1b */
  private static final byte[] SLEEP_FOR_EVER = {(byte) 0xfb, (byte) 0xf4, (byte) 0xeb, (byte) 0xfc};

  private final VmmModel kernel;
  private BhyveHypervisor hypervisor;
  private Vm vm;
  private Vcpu vcpu;

  BhyveKicksTest(int version) {
    kernel = new VmmModel(version, true);
  }

  @BeforeEach
  void open() {
    kernel.logging = false;
    hypervisor = BhyveHypervisor.open(kernel.host(), BhyveOptions.DEFAULT);
    vm = hypervisor.createVm(VmOptions.ofMemory(1 << 20));
    vcpu = vm.createVcpu();
  }

  @AfterEach
  void close() {
    vm.close();
    hypervisor.close();
  }

  /** Each kick waits for its exit, so a lost one would be waited for until the time is up. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void everyKickEndsARun(boolean asleep) throws InterruptedException {
    vcpu.writeState(X86LongMode.load(vm.memory(), asleep ? SLEEP_FOR_EVER : SPIN));
    AtomicInteger exits = new AtomicInteger();
    AtomicBoolean ended = new AtomicBoolean();
    Thread runner =
        Thread.ofPlatform()
            .start(
                () -> {
                  ExitFrame exit = new ExitFrame();
                  while (!ended.get()) {
                    if (vcpu.run(exit) == ExitKind.INTERRUPTED) {
                      exits.incrementAndGet();
                    }
                  }
                });
    for (int i = 0; i < KICKS; i++) {
      int before = exits.get();
      vcpu.kick();
      while (exits.get() == before) {
        Thread.onSpinWait();
      }
    }
    ended.set(true);
    vcpu.kick();
    runner.join();
    assertThat(exits.get()).isGreaterThanOrEqualTo(KICKS);
  }

  @Test
  void stormOfKicksDisturbsNoExitAndTheLastKickArrives() throws InterruptedException {
    vcpu.writeState(X86LongMode.load(vm.memory(), WRITE_FOR_EVER));
    AtomicInteger storming = new AtomicInteger(2);
    Runnable storm =
        () -> {
          for (int i = 0; i < KICKS; i++) {
            vcpu.kick();
          }
          storming.decrementAndGet();
        };
    Thread one = Thread.ofPlatform().start(storm);
    Thread other = Thread.ofPlatform().start(storm);
    ExitFrame exit = new ExitFrame();
    while (storming.get() > 0) {
      assertThat(vcpu.run(exit)).isIn(ExitKind.INTERRUPTED, ExitKind.IO_WRITE);
    }
    one.join();
    other.join();
    // What is left of the storm, then one more.
    if (vcpu.run(exit) == ExitKind.INTERRUPTED) {
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.IO_WRITE);
    }
    vcpu.kick();
    assertThat(vcpu.run(exit)).isEqualTo(ExitKind.INTERRUPTED);
    assertThat(vcpu.run(exit)).isEqualTo(ExitKind.IO_WRITE);
  }

  @Test
  void kickWhileTheVmStandsStillIsNotLostByItsReset() {
    byte[] code = {(byte) 0xfa, (byte) 0xf4, (byte) 0xe6, 0x12}; // cli; hlt; out %al, $0x12
    ExitFrame exit = new ExitFrame();
    vcpu.writeState(X86LongMode.load(vm.memory(), code));
    assertThat(vcpu.run(exit)).isEqualTo(ExitKind.HALT);
    vcpu.kick();
    assertThat(vcpu.run(exit)).isEqualTo(ExitKind.INTERRUPTED);
    assertThat(vcpu.run(exit)).isEqualTo(ExitKind.IO_WRITE);
  }

  @Test
  void kickOfARunThatEndsByAnotherExitIsReportedByTheNext() {
    ExitFrame exit = new ExitFrame();
    vcpu.writeState(X86LongMode.load(vm.memory(), WRITE_FOR_EVER));
    for (int i = 0; i < 100; i++) {
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.IO_WRITE);
      vcpu.kick();
      vcpu.kick();
      assertThat(vcpu.run(exit)).isEqualTo(ExitKind.INTERRUPTED);
    }
  }

  @Test
  void manyVmsLeaveNothingInTheKernel() {
    ExitFrame exit = new ExitFrame();
    for (int i = 0; i < VMS; i++) {
      try (Vm each = hypervisor.createVm(VmOptions.ofMemory(1 << 20));
          Vcpu own = each.createVcpu()) {
        own.writeState(X86LongMode.load(each.memory(), WRITE_FOR_EVER));
        assertThat(own.run(exit)).isEqualTo(ExitKind.IO_WRITE);
      }
    }
    assertThat(kernel.vms).hasSize(1);
    assertThat(kernel.mappings).hasSize(1);
    assertThat(kernel.descriptors).hasSize(kernel.facts.version() < 15 ? 1 : 2);
  }
}
