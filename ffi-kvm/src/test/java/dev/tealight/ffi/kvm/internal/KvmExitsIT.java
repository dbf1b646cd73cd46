// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.Hypervisor;
import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.VmExit;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.LinuxAbi;
import dev.tealight.spi.Doorbells;
import dev.tealight.spi.Doorbells.Doorbell;
import dev.tealight.spi.InterruptInjector;
import dev.tealight.spi.UnprivilegedStart;
import dev.tealight.testkit.Allocation;
import dev.tealight.testkit.X86LongMode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is particular to KVM's exits, beside the contract. */
@Timeout(120)
class KvmExitsIT {
  /** A loop that writes EAX to port 0x12. */
  private static final String WRITE_FOR_EVER = "e7 12 eb fc";

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
  void stringWritesArePresentedElementByElement() {
    // rep outsw; hlt
    try (KvmGuest guest =
        new KvmGuest(
            hypervisor,
            "66 f3 6f f4",
            state ->
                state
                    .set(X86Register.RSI, KvmGuest.DATA)
                    .set(X86Register.RCX, 3)
                    .set(X86Register.RDX, 0x20))) {
      guest.vm.memory().writeLong(KvmGuest.DATA, 0x3333_2222_1111L);
      assertThat(guest.next()).isEqualTo(new VmExit.IoWrite(0x20, 2, 0x1111));
      assertThat(guest.next()).isEqualTo(new VmExit.IoWrite(0x20, 2, 0x2222));
      assertThat(guest.next()).isEqualTo(new VmExit.IoWrite(0x20, 2, 0x3333));
      assertThat(guest.next()).isEqualTo(new VmExit.Halt());
    }
  }

  @Test
  void stringReadsAreAnsweredElementByElement() {
    // rep insb; hlt
    try (KvmGuest guest =
        new KvmGuest(
            hypervisor,
            "f3 6c f4",
            state ->
                state
                    .set(X86Register.RDI, KvmGuest.DATA)
                    .set(X86Register.RCX, 5)
                    .set(X86Register.RDX, 0x20))) {
      int answered = 0;
      while (guest.run() == ExitKind.IO_READ) {
        assertThat(guest.exit.snapshot()).isEqualTo(new VmExit.IoRead(0x20, 1));
        guest.exit.complete(++answered);
      }
      assertThat(guest.exit.kind()).isEqualTo(ExitKind.HALT);
      assertThat(answered).isEqualTo(5);
      assertThat(guest.vm.memory().readLong(KvmGuest.DATA)).isEqualTo(0x05_04_03_02_01L);
    }
  }

  @Test
  void readThatNobodyAnswersGivesAllOnes() {
    // in $0x10, %eax; hlt
    try (KvmGuest guest = new KvmGuest(hypervisor, "e5 10 f4")) {
      assertThat(guest.run()).isEqualTo(ExitKind.IO_READ);
      assertThat(guest.run()).isEqualTo(ExitKind.HALT);
      assertThat(((X86CpuState) guest.vcpu.readState()).get(X86Register.RAX))
          .isEqualTo(0xffff_ffffL);
    }
  }

  @Test
  void writeToReadOnlyMemoryIsAProtectionFaultAndChangesNothing() {
    // mov %rax, (%rdi); hlt
    try (KvmGuest guest =
        new KvmGuest(
            hypervisor,
            "48 89 07 f4",
            state -> state.set(X86Register.RAX, 7).set(X86Register.RDI, KvmGuest.DATA + 8))) {
      guest.vm.protect(List.of(new Region(KvmGuest.DATA, 0x1000, Protection.READ_EXECUTE)));
      assertThat(guest.next()).isEqualTo(new VmExit.ProtectionFault(KvmGuest.DATA + 8));
      assertThat(guest.vm.memory().readLong(KvmGuest.DATA + 8)).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "66 0f 3a 16 07 00", // pextrd $0, %xmm0, (%rdi)
        "c5 fc 11 07", // vmovups %ymm0, (%rdi)
        "0f c7 0f" // cmpxchg8b (%rdi), which every KVM emulates, to compare with
      })
  void storeThatKvmCannotEmulateIsAProtectionFaultWhereTheProcessorExecutesIt(String store) {
    // xor %ecx, %ecx; xor %edx, %edx; mov $7, %eax; xsetbv
    try (KvmGuest guest =
        new KvmGuest(
            hypervisor,
            "31 c9 31 d2 b8 07 00 00 00 0f 01 d1" + store + "f4",
            state ->
                state
                    .set(X86Register.RDI, KvmGuest.DATA + 8)
                    .set(X86Register.CR4, state.get(X86Register.CR4) | 0x40600))) { // OSXSAVE, SSE
      guest.vm.protect(List.of(new Region(KvmGuest.DATA, 0x1000, Protection.READ_EXECUTE)));
      boolean isEmulating = guest.vcpu.ability(UnprivilegedStart.class).isPresent();
      boolean isExecuted = !isEmulating || store.startsWith("0f c7");
      assertThat(guest.next())
          .isIn(
              isExecuted
                  ? List.of(
                      new VmExit.ProtectionFault(KvmGuest.DATA + 8),
                      new VmExit.ProtectionFault(ExitFrame.UNKNOWN_ADDRESS))
                  : List.of(new VmExit.HypervisorError(1)));
      assertThat(guest.vm.memory().readLong(KvmGuest.DATA + 8)).isZero();
    }
  }

  @Test
  void protectionMayChangeBetweenRuns() {
    // 1: mov %al, (%rdi); out %al, $0x10; jmp 1b
    try (KvmGuest guest =
        new KvmGuest(
            hypervisor, "88 07 e6 10 eb fa", state -> state.set(X86Register.RDI, KvmGuest.DATA))) {
      assertThat(guest.run()).isEqualTo(ExitKind.IO_WRITE);
      guest.vm.protect(List.of(new Region(KvmGuest.DATA, 0x1000, Protection.READ_ONLY)));
      assertThat(guest.run()).isEqualTo(ExitKind.PROTECTION_FAULT);
      guest.vm.protect(List.of());
      assertThat(guest.run()).isEqualTo(ExitKind.IO_WRITE);
      assertThat(guest.run()).isEqualTo(ExitKind.IO_WRITE);
    }
  }

  @Test
  void registersThatNoProcessorHoldsAreRefused() {
    try (KvmGuest guest = new KvmGuest(hypervisor, "f4")) {
      X86CpuState state = (X86CpuState) guest.vcpu.readState();
      state.set(X86Register.CR4, -1);
      assertThatThrownBy(() -> guest.vcpu.writeState(state))
          .hasMessageStartingWith("ioctl(KVM_SET_SREGS) failed: EINVAL (22): ");
      assertThat(guest.run()).isEqualTo(ExitKind.HALT);
    }
  }

  @Test
  void doorbellRingsItsDescriptorWithoutAnExit() {
    HostCalls host = HostCalls.system();
    // out %eax, $0x12, twice; hlt
    try (KvmGuest guest = new KvmGuest(hypervisor, "e7 12 e7 12 f4")) {
      Doorbell doorbell = guest.vm.ability(Doorbells.class).orElseThrow().onPort(0x12);
      assertThat(isReadable(host, doorbell)).isFalse();
      assertThat(guest.run()).isEqualTo(ExitKind.HALT);
      assertThat(isReadable(host, doorbell)).isTrue();
      doorbell.acknowledge();
      assertThat(isReadable(host, doorbell)).isFalse();
      doorbell.close();
      doorbell.close();
    }
  }

  private static boolean isReadable(HostCalls host, Doorbell doorbell) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pollfd = arena.allocate(8);
      pollfd.set(ValueLayout.JAVA_INT, 0, doorbell.descriptor());
      pollfd.set(ValueLayout.JAVA_SHORT, 4, (short) LinuxAbi.POLLIN);
      MemorySegment atOnce = arena.allocate(16);
      return host.ppoll(pollfd, 1, atOnce) == 1;
    }
  }

  @Test
  void portOfAClosedDoorbellExitsAgain() {
    try (KvmGuest guest = new KvmGuest(hypervisor, WRITE_FOR_EVER)) {
      guest.vm.ability(Doorbells.class).orElseThrow().onPort(0x12).close();
      assertThat(guest.run()).isEqualTo(ExitKind.IO_WRITE);
    }
  }

  @Test
  void interruptIsDeliveredWhenTheGuestTakesIt() {
    // sti; nop; 1: out %al, $0x10; jmp 1b; at +0x20, the handler: out %al, $0x11; hlt
    String code = "fb 90 e6 10 eb fc" + " 90".repeat(0x20 - 6) + " e6 11 f4";
    long table = 0x6000;
    int vector = 0x30;
    try (KvmGuest guest =
        new KvmGuest(
            hypervisor,
            code,
            state -> state.set(X86Register.IDT_BASE, table).set(X86Register.IDT_LIMIT, 0xfff))) {
      long handler = X86LongMode.CODE + 0x20;
      guest
          .vm
          .memory()
          .writeLong(
              table + 16L * vector,
              (handler & 0xffff) | 0x8L << 16 | 0x8e00L << 32 | (handler >>> 16) << 48);
      InterruptInjector injector = guest.vcpu.ability(InterruptInjector.class).orElseThrow();
      assertThat(injector.canInject()).isFalse();
      assertThatThrownBy(() -> injector.inject(vector)).isInstanceOf(IllegalStateException.class);
      injector.requestWindow(true);
      ExitKind kind = guest.run();
      while (kind == ExitKind.IO_WRITE) {
        kind = guest.run();
      }
      assertThat(kind).isEqualTo(ExitKind.INTERRUPT_WINDOW);
      injector.requestWindow(false);
      injector.inject(vector);
      VmExit next = guest.next();
      while (next.equals(new VmExit.IoWrite(0x10, 1, 0))) {
        next = guest.next();
      }
      assertThat(next).isEqualTo(new VmExit.IoWrite(0x11, 1, 0));
      assertThat(guest.run()).isEqualTo(ExitKind.HALT);
    }
  }

  @Test
  void exitsAllocateNothing() {
    int exits = TestKvm.effort(100_000, 1_000_000);
    Allocation allocation = new Allocation();
    try (KvmGuest guest = new KvmGuest(hypervisor, WRITE_FOR_EVER)) {
      for (int i = 0; i < 1_000; i++) {
        guest.run();
      }
      long before = allocation.byteSize();
      for (int i = 0; i < exits; i++) {
        guest.run();
      }
      long allocated = allocation.byteSize() - before;
      // What asking and compiling cost once does not grow with the exits.
      assertThat(allocated).isLessThan(exits / 10);
    }
  }
}
