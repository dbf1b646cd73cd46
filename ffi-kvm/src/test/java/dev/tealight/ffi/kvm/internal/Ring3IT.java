// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static dev.tealight.ffi.kvm.internal.Ring3Guest.DATA;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ExitFrame;
import dev.tealight.Hypervisor;
import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmExit;
import dev.tealight.VmOptions;
import dev.tealight.X86Register;
import dev.tealight.ffi.kvm.KvmOptions;
import dev.tealight.ffi.kvm.KvmOptions.Ring3Policy;
import dev.tealight.spi.DebugControl;
import dev.tealight.spi.InterruptInjector;
import dev.tealight.spi.UnprivilegedStart;
import dev.tealight.testkit.X86LongMode;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A guest at privilege level 3 gets what it would get at level 0. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class Ring3IT {
  private static final VmExit OUT = new VmExit.IoWrite(0x10, 1, 0);

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
  }

  @AfterEach
  void free() {
    guest.close();
  }

  @Test
  void descriptionTellsTheLevelAndWhy() {
    assertThat(hypervisor.description())
        .endsWith("guests start at privilege level 3: the options say so");
  }

  @Test
  void optionKeepsGuestsAtLevel0() {
    try (Hypervisor other = TestKvm.open(KvmOptions.DEFAULT.withRing3(Ring3Policy.NEVER));
        Vm vm = other.createVm(VmOptions.ofMemory(1 << 20));
        Vcpu vcpu = vm.createVcpu()) {
      assertThat(vcpu.ability(UnprivilegedStart.class)).isEmpty();
      assertThat(other.description())
          .endsWith("guests start at privilege level 0: the options say so");
    }
  }

  @Test
  void reasonIsThereOnceTheGuestWasStartedThatWay() {
    UnprivilegedStart ability = guest.vcpu.ability(UnprivilegedStart.class).orElseThrow();
    assertThat(ability.reason()).isEmpty();
    guest.start("f4");
    assertThat(ability.reason()).hasValue("the options say so");
  }

  @Test
  void debuggingAndInterruptsAreNotOfferedOnceTheGuestWasStartedThatWay() {
    assertThat(guest.vcpu.ability(InterruptInjector.class)).isPresent();
    guest.start("f4");
    assertThat(guest.vcpu.ability(InterruptInjector.class)).isEmpty();
    assertThat(guest.vcpu.ability(DebugControl.class)).isEmpty();
    assertThatThrownBy(() -> ((DebugControl) guest.vcpu).debug(true, false, List.of()))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("STEP");
  }

  @Test
  void sseIsExecuted() {
    assertThat(guest.run("0f 59 c1 e6 10")).isEqualTo(OUT);
  }

  @Test
  void portsFromFirstToLastAreExits() {
    assertThat(guest.run("e6 00 66 ba ff ff ee")).isEqualTo(new VmExit.IoWrite(0, 1, 0));
    assertThat(guest.next()).isEqualTo(new VmExit.IoWrite(0xffff, 1, 0));
  }

  @Test
  void haltIsAnExitBehindItsInstruction() {
    assertThat(guest.run("f4")).isEqualTo(new VmExit.Halt());
    assertThat(guest.register(X86Register.RIP)).isEqualTo(X86LongMode.CODE + 1);
  }

  @Test
  void threadPointerIsSetByItsModelSpecificRegister() {
    // mov $0xc0000100, %ecx; mov %ebx, %eax; xor %edx, %edx; wrmsr; mov %fs:8, %al; out
    guest.vm.memory().writeByte(DATA + 8, (byte) 0x5a);
    assertThat(guest.run("b9 00 01 00 c0 89 d8 31 d2 0f 30 64 8a 04 25 08 00 00 00 e6 10"))
        .isEqualTo(new VmExit.IoWrite(0x10, 1, 0x5a));
  }

  @ParameterizedTest
  @CsvSource({
    // mov %crN, %rax; out %eax, $0x10
    "0f 20 d8 e7 10, 0x2000",
    "0f 20 e0 e7 10, 0x620",
    "44 0f 20 c0 e7 10, 0x0",
    // mov $0xc0000080, %ecx; rdmsr; out
    "b9 80 00 00 c0 0f 32 e7 10, 0x500"
  })
  void privilegedRegistersReadAsAtLevel0(String code, String value) {
    assertThat(guest.run(code)).isEqualTo(new VmExit.IoWrite(0x10, 4, Long.decode(value)));
  }

  @Test
  void exceptionReachesTheGuestsHandlerWithItsFrame() {
    // lidt (%rbx); ud2. The handler: pop %rax; out %eax
    guest.interruptTable(DATA + 0x100);
    guest.handler(DATA + 0x100, 6, X86LongMode.CODE + 5);
    assertThat(guest.run("0f 01 1b 0f 0b 58 e7 10"))
        .isEqualTo(new VmExit.IoWrite(0x10, 4, X86LongMode.CODE + 3));
  }

  @Test
  void handlerReturnsToWhereItsFrameSays() {
    // lidt (%rbx); ud2; out %al, $0x10. The handler: addq $2, (%rsp); iretq
    guest.interruptTable(DATA + 0x100);
    guest.handler(DATA + 0x100, 6, X86LongMode.CODE + 7);
    assertThat(guest.run("0f 01 1b 0f 0b e6 10 48 83 04 24 02 48 cf")).isEqualTo(OUT);
    assertThat(guest.register(X86Register.RSP)).isEqualTo(X86LongMode.STACK_TOP);
  }

  @Test
  void exceptionWithoutHandlerTellsItsNumberAndInstruction() {
    assertThat(guest.run("90 0f 0b"))
        .isEqualTo(new VmExit.UnhandledException(6, ExitFrame.UNKNOWN_ADDRESS));
    assertThat(guest.register(X86Register.RIP)).isEqualTo(X86LongMode.CODE + 1);
  }

  @Test
  void pageFaultWithoutHandlerTellsItsAddress() {
    // movabs %al, 0x123456789000
    assertThat(guest.run("a2 00 90 78 56 34 12 00 00"))
        .isEqualTo(new VmExit.UnhandledException(14, 0x1234_5678_9000L));
  }

  @Test
  void pagesThatAreMappedLaterCanBeUsed() {
    // A table for what is at 1 GiB. movq $0x181003, 0x3008; mov 1 GiB, %al; out
    guest.vm.memory().writeLong(0x181000, 0x83);
    guest.vm.memory().writeByte(0, (byte) 0x5a);
    String code = "48 c7 04 25 08 30 00 00 03 10 18 00 8a 04 25 00 00 00 40 e6 10";
    assertThat(guest.run(code)).isEqualTo(new VmExit.IoWrite(0x10, 1, 0x5a));
  }

  @Test
  void faultAddressOutlastsThePagesThatAreOpenedForTheHandler() {
    // Its tables map 4 MiB to themselves, the handler alone is in the second half.
    guest.vm.memory().writeLong(0x180000, 0x181003);
    guest.vm.memory().writeLong(0x181000, 0x182003);
    guest.vm.memory().writeLong(0x182000, 0x83);
    guest.vm.memory().writeLong(0x182008, 0x200083);
    guest.interruptTable(DATA + 0x100);
    guest.handler(DATA + 0x100, 14, 0x200000);
    // mov %cr2, %rax; out %eax
    guest
        .vm
        .memory()
        .copyIn(0x200000, new byte[] {0x0f, 0x20, (byte) 0xd0, (byte) 0xe7, 0x10}, 0, 5);
    // mov $0x180000, %eax; mov %rax, %cr3; lidt (%rbx); movabs %al, 0x123456789000
    assertThat(guest.run("b8 00 00 18 00 0f 22 d8 0f 01 1b a2 00 90 78 56 34 12 00 00"))
        .isEqualTo(new VmExit.IoWrite(0x10, 4, 0x5678_9000));
  }

  @Test
  void pageTablesOfItsOwnCanBeUsed() {
    // Its tables map 2 MiB to themselves. mov $0x180000, %eax; mov %rax, %cr3; out
    guest.vm.memory().writeLong(0x180000, 0x181003);
    guest.vm.memory().writeLong(0x181000, 0x182003);
    guest.vm.memory().writeLong(0x182000, 0x83);
    assertThat(guest.run("31 c0 b8 00 00 18 00 0f 22 d8 31 c0 e6 10")).isEqualTo(OUT);
  }

  @Test
  void writeProtectionHolds() {
    guest.vm.protect(List.of(new Region(DATA, 0x1000, Protection.READ_ONLY)));
    assertThat(guest.run("c6 03 5a f4")).isEqualTo(new VmExit.ProtectionFault(DATA));
    assertThat(guest.vm.memory().readByte(DATA)).isZero();
  }

  @Test
  void storeThatKvmCannotEmulateIsAProtectionFault() {
    // vmovups %ymm0, (%rbx)
    guest.vm.protect(List.of(new Region(DATA, 0x1000, Protection.READ_ONLY)));
    assertThat(guest.run("c5 fc 11 03 f4"))
        .isEqualTo(new VmExit.ProtectionFault(ExitFrame.UNKNOWN_ADDRESS));
  }

  @Test
  void codeOutsideMemoryIsNoProtectionFault() {
    // mov $0x30000000, %eax; jmp *%rax
    assertThat(guest.run("b8 00 00 00 30 ff e0")).isEqualTo(new VmExit.HypervisorError(1));
  }

  @Test
  void registersThatSomebodyWroteAreRunAsTheyAre() {
    guest.start("f4");
    guest.vcpu.writeState(X86LongMode.load(guest.vm.memory(), new byte[] {0x0f, 0x0b}));
    assertThat(guest.next()).isEqualTo(new VmExit.Shutdown());
  }
}
