// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.Console;
import dev.tealight.ExitKind;
import dev.tealight.Hypervisor;
import dev.tealight.Monitor;
import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.RunResult;
import dev.tealight.Vm;
import dev.tealight.VmExit;
import dev.tealight.VmOptions;
import dev.tealight.X86Register;
import dev.tealight.ffi.kvm.KvmOptions;
import dev.tealight.testkit.Guests;
import dev.tealight.testkit.HostResources;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Guests on VMs that were prepared for whoever comes next. */
@Timeout(300)
class KvmSpareIT {
  private static final VmOptions OPTIONS = VmOptions.ofMemory(64L << 20);
  private static final long UPPER = MemorySlots.PREPARED_FROM + (16L << 20);
  private static final int GUESTS = 50;

  private KvmHypervisor hypervisor;

  @BeforeEach
  void open() {
    hypervisor = (KvmHypervisor) TestKvm.open(KvmOptions.DEFAULT.withSpareVm());
  }

  @AfterEach
  void close() {
    if (hypervisor != null) {
      hypervisor.close();
    }
  }

  private static void settle(KvmHypervisor hypervisor) {
    try {
      hypervisor.settle();
    } catch (InterruptedException | ExecutionException e) {
      throw new AssertionError(e);
    }
  }

  /** Runs two guests that use memory, so that a spare is ready for the third one. */
  private void prepare() {
    for (int i = 0; i < 2; i++) {
      try (KvmGuest guest = store(UPPER)) {
        guest.vm.memory().writeLong(KvmGuest.DATA, -1);
        assertThat(guest.run()).isEqualTo(ExitKind.HALT);
      }
    }
    settle(hypervisor);
  }

  /** {@return a guest that stores 7 at an address and halts} */
  private KvmGuest store(long gpa) {
    // mov %al, (%rdi); hlt
    return new KvmGuest(
        hypervisor.createVm(OPTIONS),
        "88 07 f4",
        state -> state.set(X86Register.RAX, 7).set(X86Register.RDI, gpa));
  }

  @Test
  void memoryOfASpareIsZeroAndOfTheSizeAskedFor() {
    prepare();
    try (Vm vm = hypervisor.createVm(OPTIONS)) {
      assertThat(vm.memory().byteSize()).isEqualTo(OPTIONS.memoryByteSize());
      MemorySegment zeros = MemorySegment.ofArray(new byte[(int) OPTIONS.memoryByteSize()]);
      assertThat(vm.memory().unrestricted().mismatch(zeros)).isEqualTo(-1);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {KvmGuest.DATA, MemorySlots.PREPARED_FROM - 1, UPPER})
  void guestOnASpareWritesItsMemory(long gpa) {
    prepare();
    try (KvmGuest guest = store(gpa)) {
      guest.vm.protect(List.of(new Region(0x200000, 0x1000, Protection.READ_EXECUTE)));
      assertThat(guest.run()).isEqualTo(ExitKind.HALT);
      assertThat(guest.vm.memory().readByte(gpa)).isEqualTo((byte) 7);
    }
  }

  /** Below the slot that was prepared, and inside it. */
  @ParameterizedTest
  @ValueSource(longs = {KvmGuest.DATA, UPPER})
  void guestOnASpareIsKeptFromWritingReadOnlyMemory(long gpa) {
    prepare();
    try (KvmGuest guest = store(gpa)) {
      guest.vm.protect(List.of(new Region(gpa, 0x1000, Protection.READ_EXECUTE)));
      assertThat(guest.next()).isEqualTo(new VmExit.ProtectionFault(gpa));
      assertThat(guest.vm.memory().readByte(gpa)).isZero();
    }
  }

  /** Level by level: a spare knows nothing of the level at which its guest starts. */
  @ParameterizedTest
  @EnumSource(
      value = KvmOptions.Ring3Policy.class,
      names = {"AUTO", "NEVER"})
  void helloEndsAndPrintsOnSparesAsItDoesWithout(KvmOptions.Ring3Policy policy) {
    KvmOptions options = KvmOptions.DEFAULT.withRing3(policy);
    String expected;
    try (Hypervisor without = TestKvm.open(options)) {
      expected = hello(without);
    }
    assertThat(expected).contains("SUCCESS");
    try (KvmHypervisor with = (KvmHypervisor) TestKvm.open(options.withSpareVm())) {
      for (int i = 0; i < GUESTS; i++) {
        assertThat(hello(with)).isEqualTo(expected);
        settle(with);
      }
    }
  }

  /** {@return what it prints} */
  private static String hello(Hypervisor on) {
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    try (Monitor monitor =
        Monitor.builder()
            .image("hello", Guests.image("hello"))
            .arguments("Hello_Solo5")
            .memoryByteSize(OPTIONS.memoryByteSize())
            .console(Console.direct(output::write))
            .hypervisor(on)
            .build()) {
      assertThat(monitor.run()).isEqualTo(new RunResult.Halted(0));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    return output.toString(StandardCharsets.UTF_8);
  }

  @Test
  void guestsOnSparesLeaveNothingBehind() {
    prepare();
    HostResources.assertNothingLeftBy(
        50,
        TestKvm.effort(100, 10_000),
        () -> {
          try (KvmGuest guest = store(UPPER)) {
            assertThat(guest.run()).isEqualTo(ExitKind.HALT);
          }
          settle(hypervisor);
        });
  }

  /** Whatever its thread is doing when it is closed. */
  @Test
  void closedHypervisorLeavesNothingBehind() {
    HostResources.assertNothingLeftBy(
        5,
        TestKvm.effort(20, 1_000),
        () -> {
          try (Hypervisor own = TestKvm.open(KvmOptions.DEFAULT.withSpareVm())) {
            for (int i = 0; i < 3; i++) {
              own.createVm(OPTIONS).close();
            }
          }
        });
  }
}
