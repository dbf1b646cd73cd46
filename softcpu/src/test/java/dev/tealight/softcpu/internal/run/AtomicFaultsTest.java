// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.ExitReason;
import dev.tealight.softcpu.internal.cpu.Segments;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Instructions and deliveries that fault late, after much was read and checked, or leave to the
 * monitor: no register but CR2 has changed.
 *
 * <p>Most cases have no handler for the fault, so that the processor shuts down, with the registers
 * as they were in front of the instruction.
 */
class AtomicFaultsTest {
  private static final int HLT = 0xF4;

  // Selectors: what is at them is set by the tests

  private static final int FRESH_CODE = 0x20;
  private static final int USER_DATA = 0x28;
  private static final int FRESH_DATA = 0x30;
  private static final int INNER_DATA = 0x38;
  private static final int GDT_LIMIT = 0x3F;

  private static final long CODE_64 = 0x00AF_9A00_0000_FFFFL; // not marked accessed
  private static final long CODE_32 = 0x00CF_9A00_0000_FFFFL;
  private static final long DATA = 0x00CF_9300_0000_FFFFL;
  private static final long LEVEL_3 = 3L << 45;
  private static final long ACCESSED = 1L << 40;

  private static final long USER_PAGE = 4;

  /** Where far jumps and calls lead. */
  private static final long TARGET = TestMachine.DATA + 0x800;

  final TestMachine machine = new TestMachine(policy());
  private final Cpu cpu = machine.cpu;

  TranslationPolicy policy() {
    return TranslationPolicy.NEVER;
  }

  // What is faulted on

  private void descriptor(int selector, long descriptor) {
    machine.ram.set(TestMachine.LONG, TestMachine.GDT + (selector & ~7), descriptor);
    cpu.system.gdtLimit = GDT_LIMIT;
  }

  /** From now on the bit that says "accessed" cannot be set: page fault. */
  private void makeTablesReadOnly() {
    machine.ram.set(
        TestMachine.LONG, TestMachine.PAGE_TABLE + TestMachine.GDT / 512, TestMachine.GDT | 1);
  }

  private void unmap(long page) {
    machine.ram.set(TestMachine.LONG, TestMachine.PAGE_TABLE + page / 512, 0);
  }

  private void stack(long... words) {
    for (int i = 0; i < words.length; i++) {
      machine.ram.set(TestMachine.LONG, cpu.gpr[Cpu.RSP] + 8L * i, words[i]);
    }
  }

  /** Only this vector has a gate. */
  private void onlyGate(int vector, long low, long high) {
    machine.ram.asSlice(TestMachine.IDT, 0x1000).fill((byte) 0);
    machine.ram.set(TestMachine.LONG, TestMachine.IDT + vector * 16L, low);
    machine.ram.set(TestMachine.LONG, TestMachine.IDT + vector * 16L + 8, high);
  }

  private void enterLevel3() {
    for (long entry : new long[] {0x1000, 0x2000, 0x3000}) {
      long old = machine.ram.get(TestMachine.LONG, entry);
      machine.ram.set(TestMachine.LONG, entry, old | USER_PAGE);
    }
    for (long page : new long[] {TestMachine.CODE, TestMachine.STACK - 4096}) {
      machine.ram.set(TestMachine.LONG, TestMachine.PAGE_TABLE + page / 512, page | 3 | USER_PAGE);
    }
    cpu.segments.set(Segments.CS, 0x4B, 0, 0xFFFF_FFFFL, 0xA0FB);
    cpu.segments.set(Segments.SS, USER_DATA | 3, 0, 0xFFFF_FFFFL, 0xC0F3);
    cpu.privilege = 3;
    cpu.modeChanged();
  }

  // What is compared

  private List<Long> registers() {
    List<Long> all = new ArrayList<>();
    for (long register : cpu.gpr) {
      all.add(register);
    }
    all.add(cpu.rip);
    all.add((long) cpu.flags.value());
    all.add((long) cpu.privilege);
    all.add((long) cpu.codeBits);
    for (int segment = Segments.ES; segment <= Segments.TR; segment++) {
      all.add((long) cpu.segments.selector(segment));
      all.add(cpu.segments.base(segment));
      all.add(cpu.segments.limit(segment));
      all.add((long) cpu.segments.attributes(segment));
    }
    return all;
  }

  private void shutsDownUnchanged() {
    List<Long> before = registers();
    assertThat(machine.run()).isEqualTo(ExitReason.SHUTDOWN);
    assertThat(registers()).isEqualTo(before);
  }

  private void shutsDownUnchanged(long faultingAddress) {
    shutsDownUnchanged();
    assertThat(cpu.system.cr2).isEqualTo(faultingAddress);
  }

  /** Answers {@code exits} accesses; in front of each, all registers are as they were. */
  private void leavesUnchanged(int exits) {
    List<Long> before = registers();
    for (int i = 0; i < exits; i++) {
      assertThat(machine.run()).isIn(ExitReason.MEMORY_READ, ExitReason.MEMORY_WRITE);
      assertThat(registers()).isEqualTo(before);
    }
  }

  // 64-bit code

  private void code64(int... bytes) {
    machine.code(bytes);
    cpu.system.idtLimit = 0;
  }

  @Test
  void returnFromInterruptToAnOuterLevelThatCannotMarkItsCode() {
    descriptor(FRESH_CODE, CODE_64 | LEVEL_3);
    descriptor(USER_DATA, DATA | LEVEL_3);
    stack(TestMachine.DATA, FRESH_CODE | 3, 0x202, TestMachine.DATA, USER_DATA | 3);
    makeTablesReadOnly();
    code64(0x48, 0xCF); // IRETQ
    shutsDownUnchanged(TestMachine.GDT + FRESH_CODE);
  }

  @Test
  void returnFromInterruptToANullStackThatCannotMarkItsCode() {
    descriptor(FRESH_CODE, CODE_64);
    stack(TestMachine.DATA, FRESH_CODE, 0x202, TestMachine.DATA, 0);
    makeTablesReadOnly();
    code64(0x48, 0xCF);
    shutsDownUnchanged(TestMachine.GDT + FRESH_CODE);
  }

  @Test
  void farReturnToAnOuterLevelThatCannotMarkItsCode() {
    descriptor(FRESH_CODE, CODE_64 | LEVEL_3);
    descriptor(USER_DATA, DATA | LEVEL_3);
    stack(TestMachine.DATA, FRESH_CODE | 3, TestMachine.DATA, USER_DATA | 3);
    makeTablesReadOnly();
    code64(0x48, 0xCB); // RETF
    shutsDownUnchanged(TestMachine.GDT + FRESH_CODE);
  }

  @Test
  void farReturnToAnOuterLevelThatCannotMarkItsStack() {
    descriptor(FRESH_CODE, CODE_64 | LEVEL_3 | ACCESSED);
    descriptor(FRESH_DATA, (DATA | LEVEL_3) & ~ACCESSED);
    stack(TestMachine.DATA, FRESH_CODE | 3, TestMachine.DATA, FRESH_DATA | 3);
    makeTablesReadOnly();
    code64(0x48, 0xCB);
    shutsDownUnchanged(TestMachine.GDT + FRESH_DATA);
  }

  @Test
  void farReturnToTheSameLevelThatCannotMarkItsCode() {
    descriptor(FRESH_CODE, CODE_64);
    stack(TestMachine.DATA, FRESH_CODE);
    makeTablesReadOnly();
    code64(0x48, 0xCB);
    shutsDownUnchanged(TestMachine.GDT + FRESH_CODE);
  }

  /** {@code FF /group [RBX]}, with a pointer to fresh code of 32 bits there. */
  private void farTransfer(int group) {
    descriptor(FRESH_CODE, CODE_32);
    long pointer = TARGET | (long) FRESH_CODE << 32;
    machine.ram.set(TestMachine.LONG, TestMachine.DATA, pointer);
    cpu.gpr[Cpu.RBX] = TestMachine.DATA;
    code64(0xFF, 0x03 | group << 3);
  }

  @Test
  void farJumpThatCannotMarkItsCode() {
    farTransfer(5);
    makeTablesReadOnly();
    shutsDownUnchanged(TestMachine.GDT + FRESH_CODE);
  }

  @Test
  void farCallThatCannotMarkItsCode() {
    farTransfer(3);
    makeTablesReadOnly();
    shutsDownUnchanged(TestMachine.GDT + FRESH_CODE);
  }

  @Test
  void farCallToOtherCodeWithoutAStack() {
    farTransfer(3);
    unmap(TestMachine.STACK - 4096);
    shutsDownUnchanged(TestMachine.STACK - 4);
  }

  @Test
  void farCallToOtherCodeWithAStackOutsideRam() {
    farTransfer(3);
    cpu.gpr[Cpu.RSP] = TestMachine.OUTSIDE + 0x100;
    leavesUnchanged(2);
    assertThat(cpu.exit.gpa).isEqualTo(TestMachine.OUTSIDE + 0x100 - 8);
    assertThat(cpu.exit.value).isEqualTo(TestMachine.CODE + 2);
    machine.ram.set(TestMachine.LONG, TARGET, HLT);
    assertThat(machine.run()).isEqualTo(ExitReason.HALT);
    assertThat(cpu.segments.selector(Segments.CS)).isEqualTo(FRESH_CODE);
    assertThat(cpu.gpr[Cpu.RSP]).isEqualTo(TestMachine.OUTSIDE + 0x100 - 8);
  }

  @Test
  void interruptInAnInnerLevelThatCannotMarkItsCode() {
    descriptor(FRESH_CODE, CODE_64);
    machine.ram.set(TestMachine.LONG, TestMachine.TSS + 4, TestMachine.STACK - 0x100);
    enterLevel3();
    onlyGate(0x40, TestMachine.HANDLERS | (long) FRESH_CODE << 16 | 0xEEL << 40, 0);
    makeTablesReadOnly();
    machine.code(0xCD, 0x40);
    shutsDownUnchanged(TestMachine.GDT + FRESH_CODE);
  }

  @Test
  void interruptInAnInnerLevelWithoutAStack() {
    machine.ram.set(TestMachine.LONG, TestMachine.TSS + 4, TestMachine.DATA + 0x1000);
    unmap(TestMachine.DATA);
    enterLevel3();
    onlyGate(0x40, TestMachine.HANDLERS | 8L << 16 | 0xEEL << 40, 0);
    machine.code(0xCD, 0x40);
    shutsDownUnchanged(TestMachine.DATA + 0x1000 - 40);
  }

  @Test
  void externalInterruptInAnInnerLevelWithoutAStack() {
    machine.ram.set(TestMachine.LONG, TestMachine.TSS + 4, TestMachine.DATA + 0x1000);
    unmap(TestMachine.DATA);
    enterLevel3();
    onlyGate(0x40, TestMachine.HANDLERS | 8L << 16 | 0x8EL << 40, 0);
    machine.code(0x90);
    cpu.flags.value(0x202);
    machine.processor.interrupt(0x40);
    shutsDownUnchanged(TestMachine.DATA + 0x1000 - 40);
  }

  @Test
  void segmentRegisterThatCannotBeMarked() {
    descriptor(FRESH_DATA, DATA & ~ACCESSED);
    cpu.gpr[Cpu.RAX] = FRESH_DATA;
    makeTablesReadOnly();
    code64(0x8E, 0xD0); // MOV SS,EAX
    shutsDownUnchanged(TestMachine.GDT + FRESH_DATA);
  }

  @Test
  void taskThatCannotBeMarkedBusy() {
    descriptor(FRESH_CODE, 0x0000_8900_5100_0067L);
    cpu.gpr[Cpu.RAX] = FRESH_CODE;
    makeTablesReadOnly();
    code64(0x0F, 0x00, 0xD8); // LTR AX
    shutsDownUnchanged(TestMachine.GDT + FRESH_CODE);
  }

  @Test
  void taskWhoseDescriptorIsCutByTheEndOfTheTable() {
    descriptor(INNER_DATA, 0x0000_8900_5100_0067L);
    cpu.gpr[Cpu.RAX] = INNER_DATA;
    code64(0x0F, 0x00, 0xD8);
    shutsDownUnchanged();
  }

  // 32-bit code, without long mode: 4 MiB pages of which the first is there

  private void code32(int... bytes) {
    machine.code(bytes);
    machine.ram.set(TestMachine.LONG, 0x1000, 0x87);
    descriptor(8, CODE_32 | ACCESSED);
    cpu.system.restore(0x8001_0033L, 0x1000, 0x610, 0);
    cpu.segments.set(Segments.CS, 8, 0, 0xFFFF_FFFFL, 0xC09B);
    cpu.segments.set(Segments.TR, 0x18, TestMachine.TSS, 0x67, 0x8B);
    cpu.modeChanged();
    cpu.system.idtLimit = 0;
  }

  private void onlyLegacyGate(int vector, long selector) {
    long gate = TestMachine.HANDLERS | selector << 16 | 0xEEL << 40;
    machine.ram.asSlice(TestMachine.IDT, 0x1000).fill((byte) 0);
    machine.ram.set(TestMachine.LONG, TestMachine.IDT + vector * 8L, gate);
    cpu.system.idtLimit = 0xFFF;
  }

  private void enterLegacyLevel3() {
    cpu.segments.set(Segments.CS, 0x4B, 0, 0xFFFF_FFFFL, 0xC0FB);
    cpu.segments.set(Segments.SS, USER_DATA | 3, 0, 0xFFFF_FFFFL, 0xC0F3);
    cpu.privilege = 3;
    cpu.modeChanged();
  }

  private void innerStack(long pointer, int selector) {
    machine.ram.set(TestMachine.LONG, TestMachine.TSS + 4, pointer | (long) selector << 32);
  }

  @Test
  void legacyInterruptWhoseSecondPushFaults() {
    code32(0xCD, 0x40);
    onlyLegacyGate(0x40, 8);
    cpu.segments.set(Segments.SS, 16, 0, 3, 0x4093); // room for one word
    cpu.gpr[Cpu.RSP] = 4;
    shutsDownUnchanged();
  }

  @Test
  void legacyInterruptInAnInnerLevelWithoutAStack() {
    code32(0xCD, 0x40);
    onlyLegacyGate(0x40, 8);
    innerStack(0x40_0010, 16); // nothing is mapped there
    enterLegacyLevel3();
    shutsDownUnchanged(0x40_000C);
  }

  @Test
  void legacyInterruptInAnInnerLevelWhoseStackIsTooSmall() {
    code32(0xCD, 0x40);
    onlyLegacyGate(0x40, 8);
    descriptor(INNER_DATA, 0x0040_9300_0000_000FL); // 16 bytes for five words
    innerStack(16, INNER_DATA);
    enterLegacyLevel3();
    shutsDownUnchanged();
  }

  @Test
  void legacyInterruptInAnInnerLevelWithItsStackOutsideRam() {
    code32(0xCD, 0x40);
    onlyLegacyGate(0x40, 8);
    innerStack(TestMachine.OUTSIDE + 0x100, 16);
    enterLegacyLevel3();
    cpu.gpr[Cpu.RSP] = 0x1234;
    leavesUnchanged(5);
    assertThat(cpu.exit.gpa).isEqualTo(TestMachine.OUTSIDE + 0x100 - 20);
    assertThat(cpu.exit.value).isEqualTo(TestMachine.CODE + 2);
    assertThat(machine.run()).isEqualTo(ExitReason.HALT);
    assertThat(cpu.privilege).isZero();
    assertThat(cpu.gpr[Cpu.RSP]).isEqualTo(TestMachine.OUTSIDE + 0x100 - 20);
    assertThat(cpu.segments.selector(Segments.SS)).isEqualTo(16);
  }

  @Test
  void legacyFarCallWhoseSecondPushFaults() {
    code32(0x9A, 0, 0, 0, 0, FRESH_CODE, 0);
    descriptor(FRESH_CODE, CODE_32);
    cpu.segments.set(Segments.SS, 16, 0, 3, 0x4093);
    cpu.gpr[Cpu.RSP] = 4;
    shutsDownUnchanged();
  }

  @Test
  void pushOfAllRegistersWhoseFifthPushFaults() {
    code32(0x60); // PUSHA
    cpu.segments.set(Segments.SS, 16, 0, 15, 0x4093);
    cpu.gpr[Cpu.RSP] = 16;
    shutsDownUnchanged();
  }

  @Test
  void pushOfAllRegistersOutsideRam() {
    code32(0x60, HLT);
    cpu.gpr[Cpu.RSP] = TestMachine.OUTSIDE + 0x100;
    cpu.gpr[Cpu.RDI] = 0x77;
    leavesUnchanged(8);
    assertThat(cpu.exit.value).isEqualTo(0x77);
    assertThat(machine.run()).isEqualTo(ExitReason.HALT);
    assertThat(cpu.gpr[Cpu.RSP]).isEqualTo(TestMachine.OUTSIDE + 0x100 - 32);
  }

  @Test
  void popOfAllRegistersOutsideRam() {
    code32(0x61, HLT); // POPA
    cpu.gpr[Cpu.RSP] = TestMachine.OUTSIDE;
    List<Long> before = registers();
    for (int i = 0; i < 8; i++) {
      assertThat(machine.run()).isEqualTo(ExitReason.MEMORY_READ);
      assertThat(registers()).isEqualTo(before);
      cpu.exit.value = 0x100L + i;
    }
    assertThat(machine.run()).isEqualTo(ExitReason.HALT);
    assertThat(cpu.gpr[Cpu.RDI]).isEqualTo(0x100);
    assertThat(cpu.gpr[Cpu.RAX]).isEqualTo(0x107);
    assertThat(cpu.gpr[Cpu.RSP]).isEqualTo(TestMachine.OUTSIDE + 32);
  }

  // Real mode

  private void realMode(int... bytes) {
    machine.code(bytes);
    cpu.system.restore(0x10, 0, 0, 0);
    for (int segment = Segments.ES; segment <= Segments.GS; segment++) {
      cpu.segments.set(segment, 0, 0, 0xFFFF, 0x93);
    }
    cpu.segments.set(Segments.CS, 0x1000, TestMachine.CODE, 0xFFFF, 0x9B);
    cpu.rip = 0;
    cpu.modeChanged();
  }

  @Test
  void interruptInRealModeWhoseSecondPushFaults() {
    realMode(0xCD, 0);
    cpu.system.idtLimit = 3;
    cpu.gpr[Cpu.RSP] = 3; // the second word would be half behind the limit
    shutsDownUnchanged();
  }

  @Test
  void interruptInRealModeBehindTheTableIsAProtectionFault() {
    realMode(0xCD, 0x40);
    cpu.system.idtBase = TestMachine.IDT;
    cpu.system.idtLimit = 13 * 4 + 3;
    machine.ram.set(TestMachine.LONG, TestMachine.IDT + 13 * 4, TestMachine.HANDLERS + 13);
    cpu.gpr[Cpu.RSP] = 0x100;
    assertThat(machine.run()).isEqualTo(ExitReason.HALT);
    assertThat(machine.vector()).isEqualTo(13);
    assertThat(machine.stacked(0)).isEqualTo(0x0002_1000_0000L);
  }

  @Test
  void farReturnsInRealModeReachTheirSegmentEvenIfTheOffsetIsThatOfTheLast() {
    realMode();
    // 2000:0100 RETF; 1000:0005 DEC AX, RETF; 3000:0005 and 4000:0005 HLT
    machine.ram.set(TestMachine.LONG, 0x2_0100, 0xCB);
    machine.ram.set(TestMachine.LONG, 0x1_0005, 0xCB48);
    machine.ram.set(TestMachine.LONG, 0x3_0005, HLT);
    machine.ram.set(TestMachine.LONG, 0x4_0005, HLT);
    long stack = 0x8000;
    machine.ram.set(TestMachine.LONG, stack, 0x2000_0100_1000_0005L);
    machine.ram.set(TestMachine.LONG, stack + 8, 0x4000_0005_3000_0005L);
    cpu.gpr[Cpu.RSP] = stack;
    cpu.gpr[Cpu.RAX] = 9;
    cpu.segments.set(Segments.CS, 0x2000, 0x2_0000, 0xFFFF, 0x9B);
    cpu.rip = 0x100;
    cpu.modeChanged();
    assertThat(machine.run()).isEqualTo(ExitReason.HALT);
    assertThat(cpu.segments.selector(Segments.CS)).isEqualTo(0x3000);
    assertThat(cpu.gpr[Cpu.RAX]).isEqualTo(8);
  }
}
