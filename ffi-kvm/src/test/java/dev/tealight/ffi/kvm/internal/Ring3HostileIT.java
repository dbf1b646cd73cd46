// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static dev.tealight.ffi.kvm.internal.Ring3Guest.DATA;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.Hypervisor;
import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.VmExit;
import dev.tealight.X86Register;
import dev.tealight.testkit.X86LongMode;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A guest at privilege level 3 gets nothing more than at level 0, whatever it tries. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class Ring3HostileIT {
  private static final int GENERAL_PROTECTION = 13;
  private static final int PAGE_FAULT = 14;

  /** mov $0x180000, %eax; mov %rax, %cr3. */
  private static final String LOAD_OWN_TABLES = "b8 00 00 18 00 0f 22 d8";

  private static final long OWN_TABLES = 0x180000;

  private Hypervisor hypervisor;
  private Ring3Guest guest;

  @BeforeAll
  void open() {
    hypervisor = Ring3Guest.open();
  }

  @AfterAll
  void close() {
    if (hypervisor != null) {
      hypervisor.close();
    }
  }

  @BeforeEach
  void create() {
    guest = new Ring3Guest(hypervisor);
    guest.vm.memory().writeLong(OWN_TABLES, OWN_TABLES + 0x1003);
    guest.vm.memory().writeLong(OWN_TABLES + 0x1000, OWN_TABLES + 0x2003);
    guest.vm.memory().writeLong(OWN_TABLES + 0x2000, 0x83); // 2 MiB to themselves
  }

  @AfterEach
  void free() {
    guest.close();
  }

  private static VmExit unhandled(int vector) {
    return new VmExit.UnhandledException(vector, ExitFrame.UNKNOWN_ADDRESS);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "fb", // sti
        "0f 06", // clts
        "0f 01 d1", // xsetbv
        "0f 01 f8", // swapgs
        "0f 09", // wbinvd
        "0f 01 38", // invlpg
        "0f 00 d0", // lldt
        "0f 01 f0", // lmsw
        "0f 22 c0", // mov to CR0
        "0f 22 e0", // mov to CR4
        "0f 23 f8", // mov to DR7
        "48 0f 07" // sysretq
      })
  void privilegedInstructionsBeyondAStartAreRefused(String code) {
    assertThat(guest.run(code)).isEqualTo(new VmExit.HypervisorError(1));
    assertThat(guest.register(X86Register.RIP)).isEqualTo(X86LongMode.CODE);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "6a 23 6a 00 9c 6a 1b 6a 00 48 cf", // iretq
        "6a 1b 6a 00 48 cb" // lretq
      })
  void userModeOfTheGuestsOwnIsRefused(String code) {
    assertThat(guest.run(code)).isEqualTo(new VmExit.HypervisorError(1));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "b9 82 00 00 c0 0f 30", // wrmsr of LSTAR
        "b9 80 00 00 c0 0f 30", // wrmsr of EFER
        "b9 1b 00 00 00 0f 32", // rdmsr of the APIC's base
        "b9 00 01 00 c0 ba 00 00 00 80 0f 30", // wrmsr of FS base, not canonical
        "0f 01 d8", // vmrun
        "0f 33", // rdpmc
        "0f 08", // invd
        "0f 35", // sysexit
        "ff 2b", // far jump to selector 0
        "0f 00 db", // ltr beyond the table
        "8e d3" // mov of DATA's low bits, a selector beyond the table, to SS
      })
  void othersAreExceptions(String code) {
    guest.start(code.equals("8e d3") ? "bb f8 ff 00 00 " + code : code);
    assertThat(guest.next()).isEqualTo(unhandled(GENERAL_PROTECTION));
  }

  @ParameterizedTest
  @ValueSource(strings = {"cd 80", "cd 20", "cc", "f1", "0f 05", "0f 34", "0f 0b"})
  void gatesIntoTheHostsKernelAreExceptions(String code) {
    assertThat(guest.run(code)).isInstanceOf(VmExit.UnhandledException.class);
  }

  @ParameterizedTest
  @ValueSource(ints = {0x08, 0x10, 0x1b, 0x23, 0x2b, 0x40, 0x7b, 0xffff})
  void farJumpsToOtherSegmentsAreExceptions(int selector) {
    guest.vm.memory().writeInt(DATA, (int) X86LongMode.CODE);
    guest.vm.memory().writeShort(DATA + 4, (short) selector);
    assertThat(guest.run("ff 2b")).isInstanceOf(VmExit.UnhandledException.class);
  }

  @Test
  void flagsDoNotGiveTheGuestPortsOrInterrupts() {
    // push $0x3302 (IOPL 3, IF, TF); popf; nop
    assertThat(guest.run("68 02 33 00 00 9d 90 f4")).isEqualTo(unhandled(1));
  }

  @Test
  void guestMayOnlyTakePortsFromItself() {
    // The task state's port map, which level 0 would not have: all ones. Then out.
    assertThat(guest.run("bf 00 d0 1f 00 b9 00 30 00 00 b0 ff f3 aa e6 10"))
        .isEqualTo(unhandled(GENERAL_PROTECTION));
  }

  @Test
  void taskStateThatPointsElsewhereGivesNoLevel() {
    // Stacks for every level, and all ports: written by the guest, then an exception.
    assertThat(guest.run("bf 00 d0 1f 00 b9 00 30 00 00 b0 00 f3 aa 0f 0b"))
        .isEqualTo(unhandled(6));
  }

  @Test
  void descriptorsOfItsOwnGiveNoLevel() {
    // lgdt of a table with a code segment of level 0 as its sixth: far jump to it.
    guest.vm.memory().writeShort(DATA, (short) 0xff);
    guest.vm.memory().writeLong(DATA + 2, DATA + 0x100);
    guest.vm.memory().writeLong(DATA + 0x128, 0x00af9b000000ffffL);
    guest.vm.memory().writeInt(DATA + 0x10, (int) X86LongMode.CODE + 6);
    guest.vm.memory().writeShort(DATA + 0x14, (short) 0x28);
    assertThat(guest.run("0f 01 13 ff 6b 10 f4")).isEqualTo(unhandled(GENERAL_PROTECTION));
  }

  @Test
  void pagesThatTheGuestMustNotUseAreNotOpened() {
    // Those of the monitor in tables of the guest that map them for nobody: read the first byte.
    guest.vm.memory().writeLong(OWN_TABLES + 0x2000, OWN_TABLES + 0x3003);
    for (long page = 0; page < 0x200000; page += 0x1000) {
      guest
          .vm
          .memory()
          .writeLong(OWN_TABLES + 0x3000 + page / 0x200, page < 0x1fd000 ? page | 3 : 0);
    }
    assertThat(guest.run(LOAD_OWN_TABLES + "8a 04 25 00 d0 1f 00"))
        .isEqualTo(new VmExit.UnhandledException(PAGE_FAULT, 0x1fd000));
  }

  @Test
  void pageTablesThatMapMemoryThatIsNotThereAreNoMemory() {
    // 2 MiB is mapped to 1 GiB: mov 2 MiB, %al
    guest.vm.memory().writeLong(OWN_TABLES + 0x2008, 0x4000_0000L | 0x83);
    assertThat(guest.run(LOAD_OWN_TABLES + "8a 04 25 00 00 20 00"))
        .isEqualTo(new VmExit.MmioRead(0x4000_0000L, 1));
  }

  @ParameterizedTest
  @ValueSource(bytes = {0, -1, 3, 7, 0x5a})
  void pageTablesThatTheGuestRuinsAreItsOwnFault(byte filling) {
    // mov $filling, %al; mov $0x180000, %edi; mov $0x3000, %ecx; rep stosb; jmp to itself
    guest.start(
        LOAD_OWN_TABLES
            + "b0 %02x bf 00 00 18 00 b9 00 30 00 00 f3 aa eb fe".formatted(filling & 0xff));
    assertThat(guest.next().kind())
        .isIn(ExitKind.UNHANDLED_EXCEPTION, ExitKind.SHUTDOWN, ExitKind.MMIO_READ);
  }

  @Test
  void pageTablesThatContainThemselvesAreItsOwnFault() {
    for (long entry = 0; entry < 512; entry++) {
      guest.vm.memory().writeLong(OWN_TABLES + 8 * entry, OWN_TABLES | 3);
    }
    assertThat(guest.run(LOAD_OWN_TABLES).kind())
        .isIn(ExitKind.INTERNAL_ERROR, ExitKind.UNHANDLED_EXCEPTION);
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, 1L << 63, 1L << 51, 1L << 32, Ring3Guest.MEMORY_BYTE_SIZE})
  void pageTablesOutsideMemoryAreRefused(long root) {
    // mov (%rbx), %rax; mov %rax, %cr3
    guest.vm.memory().writeLong(DATA, root);
    assertThat(guest.run("48 8b 03 0f 22 d8").kind())
        .isIn(ExitKind.INTERNAL_ERROR, ExitKind.UNHANDLED_EXCEPTION);
  }

  @ParameterizedTest
  @ValueSource(
      longs = {0, 1, DATA + 0x3fff00, 4L << 20, -16, Long.MIN_VALUE, 0x7fff_ffff_ffffL, 1L << 46})
  void handlerTableAnywhereHasNoHandler(long table) {
    guest.interruptTable(table);
    assertThat(guest.run("0f 01 1b 0f 0b")).isEqualTo(unhandled(6));
  }

  @Test
  void framesAreNotPushedIntoProtectedMemory() {
    guest.interruptTable(DATA + 0x100);
    guest.handler(DATA + 0x100, 6, X86LongMode.CODE);
    guest.vm.protect(List.of(new Region(DATA, 0x1000, Protection.READ_ONLY)));
    // lidt (%rbx); lea 0x800(%rbx), %rsp; ud2
    assertThat(guest.run("0f 01 1b 48 8d a3 00 08 00 00 0f 0b")).isEqualTo(unhandled(6));
    assertThat(guest.vm.memory().readLong(DATA + 0x7f8)).isZero();
  }

  @Test
  void protectedPageTablesStayAsTheyAre() {
    guest.vm.protect(List.of(new Region(OWN_TABLES, 0x3000, Protection.READ_ONLY)));
    assertThat(guest.run(LOAD_OWN_TABLES)).isInstanceOf(VmExit.UnhandledException.class);
    assertThat(guest.vm.memory().readLong(OWN_TABLES + 0x2000)).isEqualTo(0x83);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "eb fe", // jmp to itself
        "0f a2 eb fc", // cpuid
        "fa eb fd", // cli, carried out each time
        "31 c0 8e d0 eb fa", // mov to SS
        "0f 20 d8 0f 22 d8 eb f8", // CR3 loaded anew each time
        "0f 01 d9 eb fb" // vmmcall
      })
  void guestThatNeverEndsIsStopped(String code) throws InterruptedException {
    guest.start(code);
    assertThat(guest.runAndKick(20)).isEqualTo(ExitKind.INTERRUPTED);
  }

  @Test
  void guestThatFaultsForeverIsStopped() throws InterruptedException {
    // lidt (%rbx); 1: mov $0x180800, %esp; ud2, whose handler is 1:
    guest.interruptTable(DATA + 0x100);
    guest.handler(DATA + 0x100, 6, X86LongMode.CODE + 3);
    guest.start("0f 01 1b bc 00 08 18 00 0f 0b");
    assertThat(guest.runAndKick(20)).isEqualTo(ExitKind.INTERRUPTED);
  }

  @Test
  void everyKickStopsAGuestThatIsCarriedOut() throws InterruptedException {
    guest.start("fa eb fd");
    for (int i = 0; i < TestKvm.effort(300, 30_000); i++) {
      Thread kicker = Thread.ofPlatform().start(guest.vcpu::kick);
      assertThat(guest.vcpu.run(guest.exit)).isEqualTo(ExitKind.INTERRUPTED);
      kicker.join();
    }
  }

  @Test
  void guestIsNotClosedWhileItIsCarriedOut() throws InterruptedException {
    guest.start("fa eb fd");
    Thread runner = Thread.ofPlatform().start(() -> guest.vcpu.run(guest.exit));
    while (!((KvmVcpu) guest.vcpu).isRunning()) {
      Thread.onSpinWait();
    }
    try {
      for (int i = 0; i < 20_000; i++) {
        assertThatThrownBy(guest.vcpu::close)
            .isInstanceOf(IllegalStateException.class)
            .hasMessageStartingWith("the vCPU is being run");
      }
    } finally {
      guest.vcpu.kick();
      runner.join();
    }
    assertThat(guest.exit.kind()).isEqualTo(ExitKind.INTERRUPTED);
  }

  /** Whatever the bytes are, running them gives an exit, or can be stopped. */
  @Test
  void anyInstructionsAreRun() throws InterruptedException {
    Random random = new Random(7);
    for (int i = 0; i < TestKvm.effort(300, 10_000); i++) {
      byte[] code = new byte[256];
      random.nextBytes(code);
      if (i % 2 == 0) { // more of those that matter
        byte[] privileged = {0x0f, (byte) random.nextInt(0x36)};
        System.arraycopy(privileged, 0, code, 0, privileged.length);
      }
      try (Ring3Guest any = new Ring3Guest(hypervisor)) {
        any.start(code);
        for (int exits = 0; exits < 20; exits++) {
          ExitKind kind = any.runAndKick(5);
          if (kind != ExitKind.IO_WRITE && kind != ExitKind.IO_READ) {
            break;
          }
        }
        assertThat(any.vcpu.readState()).isNotNull();
      }
    }
  }
}
