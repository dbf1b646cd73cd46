// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.ExitReason;
import dev.tealight.softcpu.internal.cpu.ExitState.DebugCause;
import dev.tealight.softcpu.internal.cpu.Flags;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.Segments;
import dev.tealight.softcpu.internal.memory.Access;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class ProcessorTest {
  private static final int HLT = 0xF4;
  private static final int PAGE_FAULT = 14;

  private final TestMachine machine = new TestMachine(policy());

  TranslationPolicy policy() {
    return TranslationPolicy.NEVER;
  }

  @Test
  void haltLeavesWithRipBehindIt() {
    assertThat(machine.code(0x90, HLT).run()).isEqualTo(ExitReason.HALT);
    assertThat(machine.cpu.rip).isEqualTo(TestMachine.CODE + 2);
  }

  @Test
  void portWriteReportsPortSizeAndValue() {
    machine.cpu.gpr[Cpu.RAX] = 0x1_2345_6789L;
    machine.cpu.gpr[Cpu.RDX] = 0x501;
    assertThat(machine.code(0xEF, HLT).run()).isEqualTo(ExitReason.PORT_WRITE);
    assertThat(machine.cpu.exit.port).isEqualTo(0x501);
    assertThat(machine.cpu.exit.size).isEqualTo(4);
    assertThat(machine.cpu.exit.value).isEqualTo(0x2345_6789L);
    assertThat(machine.run()).isEqualTo(ExitReason.HALT);
  }

  @Test
  void portReadTakesTheMonitorsAnswer() {
    machine.cpu.gpr[Cpu.RAX] = -1;
    assertThat(machine.code(0xE4, 0x60, HLT).run()).isEqualTo(ExitReason.PORT_READ);
    machine.cpu.exit.value = 0x1C;
    assertThat(machine.run()).isEqualTo(ExitReason.HALT);
    assertThat(machine.cpu.gpr[Cpu.RAX]).isEqualTo(0xFFFF_FFFF_FFFF_FF1CL);
  }

  @Test
  void readModifyWriteOutsideRamLeavesTwice() {
    machine.cpu.gpr[Cpu.RBX] = TestMachine.OUTSIDE + 0x10;
    machine.cpu.gpr[Cpu.RAX] = 5;
    assertThat(machine.code(0x01, 0x03, HLT).run()).isEqualTo(ExitReason.MEMORY_READ);
    assertThat(machine.cpu.exit.gpa).isEqualTo(TestMachine.OUTSIDE + 0x10);
    machine.cpu.exit.value = 100;
    assertThat(machine.run()).isEqualTo(ExitReason.MEMORY_WRITE);
    assertThat(machine.cpu.exit.value).isEqualTo(105);
    assertThat(machine.run()).isEqualTo(ExitReason.HALT);
  }

  @Test
  void repeatedMoveFromOutsideRamAsksForEachElementOnce() {
    machine.cpu.gpr[Cpu.RSI] = TestMachine.OUTSIDE;
    machine.cpu.gpr[Cpu.RDI] = TestMachine.DATA;
    machine.cpu.gpr[Cpu.RCX] = 3;
    machine.code(0xF3, 0xA4, HLT);
    for (int i = 0; i < 3; i++) {
      assertThat(machine.run()).isEqualTo(ExitReason.MEMORY_READ);
      assertThat(machine.cpu.exit.gpa).isEqualTo(TestMachine.OUTSIDE + i);
      machine.cpu.exit.value = 0x41L + i;
    }
    assertThat(machine.run()).isEqualTo(ExitReason.HALT);
    assertThat(machine.ram.get(TestMachine.LONG, TestMachine.DATA)).isEqualTo(0x434241);
  }

  @Test
  void repeatedStoreInterruptedByAPageFaultCanBeContinued() {
    machine.ram.set(TestMachine.LONG, TestMachine.PAGE_TABLE + 0x21 * 8, 0);
    machine.cpu.gpr[Cpu.RDI] = TestMachine.DATA + 4094;
    machine.cpu.gpr[Cpu.RCX] = 5;
    machine.cpu.gpr[Cpu.RAX] = 0x77;
    assertThat(machine.code(0xF3, 0xAA, HLT).run()).isEqualTo(ExitReason.HALT);
    assertThat(machine.vector()).isEqualTo(PAGE_FAULT);
    assertThat(machine.cpu.system.cr2).isEqualTo(TestMachine.DATA + 4096);
    assertThat(machine.cpu.gpr[Cpu.RCX]).isEqualTo(3);
    assertThat(machine.stacked(0)).isEqualTo(2); // write, not present
    assertThat(machine.stacked(1)).isEqualTo(TestMachine.CODE);
  }

  @Test
  void writeToAReadOnlyPageFaultsWithItsErrorCode() {
    machine.ram.set(TestMachine.LONG, TestMachine.PAGE_TABLE + 0x20 * 8, TestMachine.DATA | 1);
    machine.cpu.gpr[Cpu.RBX] = TestMachine.DATA;
    machine.code(0x89, 0x03, HLT).run();
    assertThat(machine.vector()).isEqualTo(PAGE_FAULT);
    assertThat(machine.stacked(0)).isEqualTo(3);
  }

  @Test
  void writeMarksThePageDirtyAndReadDoesNot() {
    long entry = TestMachine.PAGE_TABLE + 0x20 * 8;
    machine.cpu.gpr[Cpu.RBX] = TestMachine.DATA;
    machine.code(0x8B, 0x03, HLT, 0x89, 0x03, HLT).run();
    assertThat(machine.ram.get(TestMachine.LONG, entry) & 0x60).isEqualTo(0x20);
    machine.run();
    assertThat(machine.ram.get(TestMachine.LONG, entry) & 0x60).isEqualTo(0x60);
  }

  @Test
  void machineProtectionEndsTheRunWithTheAccess() {
    machine.restrictedPage = TestMachine.DATA;
    machine.allowed = Access.READ;
    machine.cpu.gpr[Cpu.RBX] = TestMachine.DATA + 8;
    assertThat(machine.code(0x8B, 0x03, 0x89, 0x03).run()).isEqualTo(ExitReason.VIOLATION);
    assertThat(machine.cpu.exit.access).isEqualTo(Access.WRITE);
    assertThat(machine.cpu.exit.gpa).isEqualTo(TestMachine.DATA + 8);
    assertThat(machine.cpu.rip).isEqualTo(TestMachine.CODE + 2);
  }

  @Test
  void executionOfAPageWithoutThatRightIsRefused() {
    machine.restrictedPage = TestMachine.DATA;
    machine.allowed = Access.READ | Access.WRITE;
    machine.cpu.gpr[Cpu.RBX] = TestMachine.DATA;
    assertThat(machine.code(0xFF, 0xE3).run()).isEqualTo(ExitReason.VIOLATION);
    assertThat(machine.cpu.exit.access).isEqualTo(Access.EXECUTE);
  }

  @Test
  void faultWithoutAnIdtShutsTheProcessorDown() {
    machine.cpu.system.idtLimit = 0;
    assertThat(machine.code(0x0F, 0x0B).run()).isEqualTo(ExitReason.SHUTDOWN);
    assertThat(machine.cpu.rip).isEqualTo(TestMachine.CODE);
  }

  @Test
  void faultInTheDeliveryOfAPageFaultIsADoubleFault() {
    // The page fault's gate leads to a data segment: #GP while delivering #PF.
    machine.ram.set(TestMachine.LONG, TestMachine.IDT + PAGE_FAULT * 16, 0x10L << 16 | 0x8EL << 40);
    machine.cpu.gpr[Cpu.RBX] = 1L << 40;
    machine.code(0x8B, 0x03).run();
    assertThat(machine.vector()).isEqualTo(8);
    assertThat(machine.stacked(0)).isZero();
  }

  @Test
  void interruptWaitsForTheInstructionBehindSti() {
    machine.processor.interrupt(0x40);
    machine.code(0xFB, 0x90, HLT).run();
    assertThat(machine.vector()).isEqualTo(0x40);
    assertThat(machine.stacked(0)).isEqualTo(TestMachine.CODE + 2);
    assertThat(machine.cpu.flags.isSet(Flags.IF)).isFalse();
  }

  @Test
  void interruptWindowOpensWhenInterruptsAreEnabled() {
    machine.processor.requestInterruptWindow(true);
    assertThat(machine.code(0xFB, 0x90, HLT).run()).isEqualTo(ExitReason.INTERRUPT_WINDOW);
    assertThat(machine.processor.readyForInterrupt()).isTrue();
  }

  @Test
  void kickEndsAnEndlessLoop() throws InterruptedException {
    machine.code(0xEB, 0xFE);
    Thread kicker = Thread.ofPlatform().start(machine.processor::kick);
    assertThat(machine.run()).isEqualTo(ExitReason.KICKED);
    kicker.join();
  }

  @Test
  void instructionsOverwrittenByTheGuestAreDecodedAnew() {
    // MOV BYTE [rip+0], the next instruction's opcode: NOP becomes HLT
    machine.code(0xC6, 0x05, 0x01, 0x00, 0x00, 0x00, HLT, 0x90, 0x90, 0x0F, 0x0B);
    assertThat(machine.run()).isEqualTo(ExitReason.HALT);
    assertThat(machine.cpu.rip).isEqualTo(TestMachine.CODE + 9);
  }

  @Test
  void loopThatOverwritesItselfEndsAsSoonAsItHasDone() {
    // MOV ECX,3; next: DEC ECX; JNZ next; here: NOP; MOV BYTE [here],HLT; MOV CL,2; JMP next
    machine.code(
        0xB9, 3, 0, 0, 0, 0xFF, 0xC9, 0x75, 0xFC, 0x90, 0xC6, 0x05, 0xF8, 0xFF, 0xFF, 0xFF, HLT,
        0xB1, 2, 0xEB, 0xF0);
    assertThat(machine.run()).isEqualTo(ExitReason.HALT);
    assertThat(machine.cpu.rip).isEqualTo(TestMachine.CODE + 10);
    assertThat(machine.cpu.retired).isEqualTo(1 + 2 * 3 + 4 + 2 * 2 + 1);
  }

  @Test
  void pageThatIsMappedElsewhereIsExecutedFromThere() {
    // Code at the linear address DATA: INC EAX; RET, then after remapping INC EBX; RET.
    long entry = TestMachine.PAGE_TABLE + (TestMachine.DATA >> 12) * 8;
    machine.ram.set(TestMachine.LONG, TestMachine.DATA, 0xC3C0FFL);
    machine.ram.set(TestMachine.LONG, TestMachine.DATA + 4096, 0xC3C3FFL);
    // MOV ECX,5; next: CALL DATA; DEC ECX; JNZ next; HLT; MOV CR3,RDX; MOV CL,4; JMP next
    machine.code(
        0xB9, 5, 0, 0, 0, 0xE8, 0xF6, 0xFF, 0, 0, 0xFF, 0xC9, 0x75, 0xF7, HLT, 0x0F, 0x22, 0xDA,
        0xB1, 4, 0xEB, 0xEF);
    machine.cpu.gpr[Cpu.RDX] = machine.cpu.system.cr3;
    machine.cpu.gpr[Cpu.RAX] = 0;
    assertThat(machine.run()).isEqualTo(ExitReason.HALT);
    machine.ram.set(TestMachine.LONG, entry, (TestMachine.DATA + 4096) | 3);
    assertThat(machine.run()).isEqualTo(ExitReason.HALT);
    assertThat(machine.cpu.gpr[Cpu.RAX]).isEqualTo(5);
    assertThat(machine.cpu.gpr[Cpu.RBX]).isEqualTo(4);
  }

  @Test
  void instructionsOverwrittenByTheMonitorAreDecodedAnew() {
    machine.code(0xE6, 0x10, 0xEB, 0xFC); // OUT, JMP back
    machine.run();
    machine.run();
    machine.ram.set(ValueLayout.JAVA_BYTE, TestMachine.CODE + 2, (byte) HLT);
    assertThat(machine.run()).isEqualTo(ExitReason.HALT);
  }

  @Test
  void singleStepsLeaveAfterEachInstruction() {
    machine.processor.debugging.singleStep(true);
    machine.code(0x90, 0x90, HLT);
    assertThat(machine.run()).isEqualTo(ExitReason.DEBUG);
    assertThat(machine.cpu.rip).isEqualTo(TestMachine.CODE + 1);
    assertThat(machine.cpu.exit.debugCause).isEqualTo(DebugCause.STEP);
  }

  @Test
  void stepOverAReadOutsideRamIsReportedBehindItsInstruction() {
    machine.processor.debugging.singleStep(true);
    machine.cpu.gpr[Cpu.RBX] = TestMachine.OUTSIDE;
    machine.code(0x8B, 0x03, 0x90, HLT); // MOV EAX,[RBX]
    assertThat(machine.run()).isEqualTo(ExitReason.MEMORY_READ);
    assertThat(machine.run()).isEqualTo(ExitReason.DEBUG);
    assertThat(machine.cpu.rip).isEqualTo(TestMachine.CODE + 2);
    assertThat(machine.cpu.exit.debugCause).isEqualTo(DebugCause.STEP);
  }

  @Test
  void stepOverAPortAccessIsReportedBehindItsInstruction() {
    machine.processor.debugging.singleStep(true);
    machine.code(0xE7, 0x10, 0xE5, 0x10, HLT); // OUT, IN
    assertThat(machine.run()).isEqualTo(ExitReason.PORT_WRITE);
    assertThat(machine.run()).isEqualTo(ExitReason.DEBUG);
    assertThat(machine.cpu.rip).isEqualTo(TestMachine.CODE + 2);
    assertThat(machine.run()).isEqualTo(ExitReason.PORT_READ);
    assertThat(machine.run()).isEqualTo(ExitReason.DEBUG);
    assertThat(machine.cpu.rip).isEqualTo(TestMachine.CODE + 4);
  }

  @Test
  void watchpointIsReportedBehindAnInstructionThatAlsoReadsOutsideRam() {
    machine.cpu.memory.watchpoints.set(TestMachine.DATA, 1, Access.WRITE);
    machine.cpu.gpr[Cpu.RSI] = TestMachine.OUTSIDE;
    machine.cpu.gpr[Cpu.RDI] = TestMachine.DATA;
    machine.code(0xA4, 0x90, HLT); // MOVSB
    assertThat(machine.run()).isEqualTo(ExitReason.MEMORY_READ);
    assertThat(machine.run()).isEqualTo(ExitReason.DEBUG);
    assertThat(machine.cpu.rip).isEqualTo(TestMachine.CODE + 1);
    assertThat(machine.cpu.exit.debugCause).isEqualTo(DebugCause.WATCHPOINT);
  }

  @Test
  void guestsOwnStepTrapsBehindAnAccessOutsideRam() {
    machine.cpu.flags.update(Flags.TF, Flags.TF);
    machine.cpu.gpr[Cpu.RBX] = TestMachine.OUTSIDE;
    assertThat(machine.code(0x8B, 0x03, 0x90, HLT).run()).isEqualTo(ExitReason.MEMORY_READ);
    assertThat(machine.run()).isEqualTo(ExitReason.HALT);
    assertThat(machine.vector()).isEqualTo(1);
    assertThat(machine.stacked(0)).isEqualTo(TestMachine.CODE + 2);
  }

  @Test
  void stepIntoAnInstructionThatFaultsTrapsNowhere() {
    machine.cpu.flags.update(Flags.TF, Flags.TF);
    machine.cpu.gpr[Cpu.RBX] = 1L << 40;
    assertThat(machine.code(0x8B, 0x03, HLT).run()).isEqualTo(ExitReason.HALT);
    assertThat(machine.vector()).isEqualTo(PAGE_FAULT);
    assertThat(machine.stacked(3) & Flags.TF).isEqualTo(Flags.TF);
  }

  @Test
  void stepIntoASoftwareInterruptTrapsNowhere() {
    machine.cpu.flags.update(Flags.TF, Flags.TF);
    assertThat(machine.code(0xCD, 0x40, HLT).run()).isEqualTo(ExitReason.HALT);
    assertThat(machine.vector()).isEqualTo(0x40);
    assertThat(machine.stacked(2) & Flags.TF).isEqualTo(Flags.TF);
  }

  @Test
  void stepBehindALoadOfTheStackSegmentCoversTheNextInstruction() {
    machine.cpu.flags.update(Flags.TF, Flags.TF);
    machine.cpu.gpr[Cpu.RAX] = 16;
    machine.code(0x8E, 0xD0, 0x90, 0x90, HLT).run(); // MOV SS,EAX
    assertThat(machine.vector()).isEqualTo(1);
    assertThat(machine.stacked(0)).isEqualTo(TestMachine.CODE + 3);
  }

  @Test
  void stepOfARepeatedInstructionIsOneElement() {
    machine.cpu.flags.update(Flags.TF, Flags.TF);
    machine.cpu.gpr[Cpu.RDI] = TestMachine.DATA;
    machine.cpu.gpr[Cpu.RCX] = 3;
    machine.code(0xF3, 0xAA, HLT).run(); // REP STOSB
    assertThat(machine.vector()).isEqualTo(1);
    assertThat(machine.stacked(0)).isEqualTo(TestMachine.CODE);
    assertThat(machine.cpu.gpr[Cpu.RCX]).isEqualTo(2);
  }

  /** RSP leads outside RAM: each word of a frame is an exit. */
  private void answerFrameOutsideRam(long... pushed) {
    for (long word : pushed) {
      assertThat(machine.run()).isEqualTo(ExitReason.MEMORY_WRITE);
      assertThat(machine.cpu.exit.value).isEqualTo(word);
    }
    assertThat(machine.run()).isEqualTo(ExitReason.HALT);
  }

  @Test
  void guestsOwnStepTrapsOnAStackOutsideRam() {
    long stack = TestMachine.OUTSIDE + 0x100;
    machine.cpu.gpr[Cpu.RSP] = stack;
    machine.cpu.flags.update(Flags.TF, Flags.TF);
    machine.code(0x90, 0xFF, 0xC0, HLT); // NOP, INC EAX
    answerFrameOutsideRam(TestMachine.CODE + 1, 8, 0x102, stack, 16);
    assertThat(machine.vector()).isEqualTo(1);
    assertThat(machine.cpu.gpr[Cpu.RAX]).isZero();
  }

  @Test
  void faultOfAnInterruptsDeliveryIsDeliveredOnAStackOutsideRam() {
    long stack = TestMachine.OUTSIDE + 0x100;
    machine.ram.set(TestMachine.LONG, TestMachine.IDT + 0x40 * 16, 8L << 16 | 0x0EL << 40);
    machine.cpu.gpr[Cpu.RSP] = stack;
    machine.cpu.gpr[Cpu.RBX] = TestMachine.OUTSIDE;
    machine.cpu.flags.update(Flags.IF, Flags.IF);
    machine.processor.interrupt(0x40);
    machine.code(0x8B, 0x03, HLT); // MOV EAX,[RBX]
    long error = 0x40 * 8 + 3; // a gate of the IDT, for an external event
    answerFrameOutsideRam(error, TestMachine.CODE, 8, 0x1_0202, stack, 16);
    assertThat(machine.vector()).isEqualTo(11);
    assertThat(machine.cpu.gpr[Cpu.RAX]).isZero();
  }

  @Test
  void answerToAnInstructionThatEndsInAnExitIsNotGivenToTheNext() {
    machine.cpu.segments.set(Segments.TR, 0x18, TestMachine.OUTSIDE, 0x167, 0x8B);
    machine.ram.set(TestMachine.LONG, 0x1000, 0x2007);
    machine.ram.set(TestMachine.LONG, 0x2000, 0x3007);
    machine.ram.set(TestMachine.LONG, 0x3000, TestMachine.PAGE_TABLE | 7);
    machine.ram.set(TestMachine.LONG, 0x3008, 0x20_0087);
    machine.ram.set(TestMachine.LONG, TestMachine.PAGE_TABLE + 0x10 * 8, TestMachine.CODE | 7);
    machine.cpu.segments.set(Segments.CS, 0x4B, 0, 0xFFFF_FFFFL, 0xA0FB);
    machine.cpu.privilege = 3;
    machine.cpu.modeChanged();
    machine.cpu.gpr[Cpu.RBX] = TestMachine.OUTSIDE;
    machine.code(0xE6, 0x10, 0x8B, 0x03, 0xE6, 0x10); // OUT 16,AL; MOV EAX,[RBX]
    assertThat(machine.run()).isEqualTo(ExitReason.MEMORY_READ); // where the port map is
    machine.cpu.exit.value = 0x68;
    assertThat(machine.run()).isEqualTo(ExitReason.MEMORY_READ); // the port's bits
    machine.cpu.exit.value = 0;
    assertThat(machine.run()).isEqualTo(ExitReason.PORT_WRITE);
    assertThat(machine.run()).isEqualTo(ExitReason.MEMORY_READ);
    machine.cpu.exit.value = 0x77;
    assertThat(machine.run()).isEqualTo(ExitReason.MEMORY_READ);
    assertThat(machine.cpu.gpr[Cpu.RAX]).isEqualTo(0x77);
  }

  @Test
  void addressOfTheSecondPageFaultReplacesThatOfTheFirst() {
    machine.cpu.gpr[Cpu.RBX] = 1L << 40;
    machine.cpu.gpr[Cpu.RSP] = 1L << 39;
    machine.ram.set(TestMachine.LONG, TestMachine.TSS + 0x24, TestMachine.STACK);
    long gate = TestMachine.HANDLERS + 8 | 8L << 16 | 1L << 32 | 0x8EL << 40; // on IST 1
    machine.ram.set(TestMachine.LONG, TestMachine.IDT + 8 * 16, gate);
    machine.code(0x8B, 0x03).run();
    assertThat(machine.vector()).isEqualTo(8);
    assertThat(machine.cpu.system.cr2).isEqualTo((1L << 39) - 48);
  }

  @Test
  void pageFaultOfReadingAHandlersDescriptorIsDeliveredAsOne() {
    machine.ram.set(TestMachine.LONG, TestMachine.DATA + 8, 0x00AF_9B00_0000_FFFFL);
    machine.cpu.system.gdtBase = TestMachine.DATA;
    machine.cpu.system.gdtLimit = 0xFFFF;
    machine.ram.set(TestMachine.LONG, TestMachine.PAGE_TABLE + 0x21 * 8, 0);
    long gate = TestMachine.HANDLERS + 0x40 | 0x1000L << 16 | 0x8EL << 40;
    machine.ram.set(TestMachine.LONG, TestMachine.IDT + 0x40 * 16, gate);
    machine.code(0xCD, 0x40).run();
    assertThat(machine.vector()).isEqualTo(PAGE_FAULT);
    assertThat(machine.cpu.system.cr2).isEqualTo(TestMachine.DATA + 0x1000);
  }

  /** What {@link #mapHigh} maps once more; nothing is at its low 32 bits. */
  private static final long HIGH = 0xFFFF_FFFF_C000_0000L;

  private void mapHigh() {
    machine.ram.set(TestMachine.LONG, 0x1000 + 511 * 8, 0x2003);
    machine.ram.set(TestMachine.LONG, 0x2000 + 511 * 8, 0x3003);
  }

  @Test
  void compatibilityCodeIsInterruptedThroughTablesAtHighAddresses() {
    mapHigh();
    machine.cpu.system.gdtBase = HIGH + TestMachine.GDT;
    machine.cpu.system.idtBase = HIGH + TestMachine.IDT;
    machine.cpu.segments.set(Segments.TR, 0x18, HIGH + TestMachine.TSS, 0x67, 0x8B);
    machine.ram.set(TestMachine.LONG, TestMachine.TSS + 0x24, HIGH + TestMachine.STACK);
    long gate = TestMachine.HANDLERS + 0x40 | 8L << 16 | 1L << 32 | 0x8EL << 40;
    machine.ram.set(TestMachine.LONG, TestMachine.IDT + 0x40 * 16, gate | HIGH >>> 16 << 48);
    machine.ram.set(TestMachine.LONG, TestMachine.IDT + 0x40 * 16 + 8, HIGH >>> 32);
    machine.cpu.segments.set(Segments.CS, 0x20, 0, 0xFFFF_FFFFL, 0xC09B);
    machine.cpu.modeChanged();
    assertThat(machine.code(0xCD, 0x40).run()).isEqualTo(ExitReason.HALT);
    assertThat(machine.cpu.rip).isEqualTo(HIGH + TestMachine.HANDLERS + 0x41);
    assertThat(machine.cpu.gpr[Cpu.RSP]).isEqualTo(HIGH + TestMachine.STACK - 40);
    assertThat(machine.ram.get(TestMachine.LONG, TestMachine.STACK - 32)).isEqualTo(0x20);
  }

  @Test
  void farCallToNarrowerCodePushesOnTheWholeStack() {
    mapHigh();
    machine.cpu.gpr[Cpu.RSP] = HIGH + TestMachine.STACK;
    machine.ram.set(TestMachine.LONG, TestMachine.GDT + 24, 0x00CF_9B00_0000_FFFFL);
    machine.cpu.system.gdtLimit = 0x1F;
    long pointer = TestMachine.DATA + 8 | 24L << 32;
    machine.ram.set(TestMachine.LONG, TestMachine.DATA, pointer);
    machine.ram.set(TestMachine.LONG, TestMachine.DATA + 8, HLT);
    machine.cpu.gpr[Cpu.RBX] = TestMachine.DATA;
    assertThat(machine.code(0xFF, 0x1B).run()).isEqualTo(ExitReason.HALT); // CALL FAR [RBX]
    assertThat(machine.cpu.gpr[Cpu.RSP]).isEqualTo(HIGH + TestMachine.STACK - 8);
    assertThat(machine.ram.get(TestMachine.LONG, TestMachine.STACK - 8))
        .isEqualTo(TestMachine.CODE + 2 | 8L << 32);
  }

  @Test
  void returnToAShortStackLeavesTheUpperPartOfThePointer() {
    machine.ram.set(TestMachine.LONG, TestMachine.GDT + 24, 0x00CF_9B00_0000_FFFFL);
    machine.ram.set(TestMachine.LONG, TestMachine.GDT + 32, 0x0000_9300_0000_FFFFL);
    machine.cpu.system.gdtLimit = 0x27;
    long[] frame = {TestMachine.DATA, 24, 2, 0x1234_5678, 32};
    for (int i = 0; i < 5; i++) {
      machine.ram.set(TestMachine.LONG, TestMachine.STACK + 8L * i, frame[i]);
    }
    machine.ram.set(TestMachine.LONG, TestMachine.DATA, HLT);
    assertThat(machine.code(0x48, 0xCF).run()).isEqualTo(ExitReason.HALT);
    assertThat(machine.cpu.gpr[Cpu.RSP]).isEqualTo((TestMachine.STACK & ~0xFFFFL) | 0x5678);
  }

  @Test
  void invalidationOfOneAddressCoversItsWholeLargePage() {
    machine.ram.set(TestMachine.LONG, 0x3010, 0x83); // 4 MiB: the RAM once more, as a large page
    machine.ram.set(TestMachine.LONG, TestMachine.DATA + 0x5000, 0x1111);
    machine.cpu.gpr[Cpu.RBX] = 0x40_0000 + TestMachine.DATA + 0x5000;
    machine.cpu.gpr[Cpu.RCX] = 0x40_0000;
    machine.cpu.gpr[Cpu.RDX] = 0x3010;
    // MOV EAX,[RBX]; MOV [RDX],ESI; INVLPG [RCX]; MOV EAX,[RBX]; HLT
    machine.cpu.gpr[Cpu.RSI] = 0x20_0083;
    machine.code(0x8B, 0x03, 0x89, 0x32, 0x0F, 0x01, 0x39, 0x8B, 0x03, HLT);
    assertThat(machine.run()).isEqualTo(ExitReason.MEMORY_READ);
    assertThat(machine.cpu.exit.gpa).isEqualTo(0x20_0000 + TestMachine.DATA + 0x5000);
    assertThat(machine.cpu.gpr[Cpu.RAX]).isEqualTo(0x1111);
  }

  @Test
  void interruptWhoseStackIsOutsideRamIsDeliveredAfterTheAnswers() {
    machine.cpu.gpr[Cpu.RSP] = TestMachine.OUTSIDE + 0x100;
    machine.cpu.flags.update(Flags.IF, Flags.IF);
    machine.processor.interrupt(0x40);
    machine.code(0x90, HLT);
    answerFrameOutsideRam(TestMachine.CODE, 8, 0x202, TestMachine.OUTSIDE + 0x100, 16);
    assertThat(machine.vector()).isEqualTo(0x40);
  }

  @Test
  void breakpointLeavesBeforeItsInstructionAndIsPassedAfterwards() {
    machine.processor.debugging.breakpoints(TestMachine.CODE + 1);
    machine.code(0x90, 0x90, HLT);
    assertThat(machine.run()).isEqualTo(ExitReason.DEBUG);
    assertThat(machine.cpu.rip).isEqualTo(TestMachine.CODE + 1);
    assertThat(machine.run()).isEqualTo(ExitReason.HALT);
  }

  @Test
  void watchpointLeavesAfterTheWrite() {
    machine.cpu.memory.watchpoints.set(TestMachine.DATA + 8, 4, Access.WRITE);
    machine.cpu.gpr[Cpu.RBX] = TestMachine.DATA;
    machine.code(0x89, 0x03, 0x89, 0x43, 0x08, HLT);
    assertThat(machine.run()).isEqualTo(ExitReason.DEBUG);
    assertThat(machine.cpu.exit.debugCause).isEqualTo(DebugCause.WATCHPOINT);
    assertThat(machine.cpu.rip).isEqualTo(TestMachine.CODE + 5);
  }

  /** FLD1, FLDZ, FLDCW, FDIVP, and what follows. */
  private void divideByZeroUnmasked(int... following) {
    machine.ram.set(TestMachine.LONG, TestMachine.DATA, 0x37B);
    machine.cpu.gpr[Cpu.RBX] = TestMachine.DATA;
    int[] division = {0xD9, 0xE8, 0xD9, 0xEE, 0xD9, 0x2B, 0xDE, 0xF9};
    int[] code = Arrays.copyOf(division, division.length + following.length);
    System.arraycopy(following, 0, code, division.length, following.length);
    assertThat(machine.code(code).run()).isEqualTo(ExitReason.HALT);
  }

  @Test
  void unmaskedX87ExceptionIsRaisedByTheNextWaitingInstruction() {
    divideByZeroUnmasked(0xDF, 0xE0, 0x9B, HLT); // FNSTSW AX, FWAIT
    assertThat(machine.vector()).isEqualTo(16);
    assertThat(machine.stacked(0)).isEqualTo(TestMachine.CODE + 10);
    assertThat(machine.cpu.gpr[Cpu.RAX]).isEqualTo(0xB084); // busy, summary, zero divide; TOP 6
  }

  @Test
  void unmaskedX87ExceptionIsRaisedByTheNextMmxInstruction() {
    divideByZeroUnmasked(0x0F, 0x77, HLT); // EMMS
    assertThat(machine.vector()).isEqualTo(16);
    assertThat(machine.stacked(0)).isEqualTo(TestMachine.CODE + 8);
  }

  @Test
  void unmaskedDivisionByZeroLeavesOperandsAndStack() {
    divideByZeroUnmasked(HLT);
    assertThat(machine.cpu.rip).isEqualTo(TestMachine.CODE + 9);
    assertThat(machine.cpu.fpu.used).isEqualTo(0xC0);
    assertThat(machine.cpu.fpu.exponents[7]).isEqualTo(0x3FFF);
    assertThat(machine.cpu.fpu.significands[6]).isZero();
  }

  @Test
  void x87StoreOutsideRamEndsBeforeItsOwnExceptionIsRaised() {
    machine.ram.set(TestMachine.LONG, TestMachine.DATA, 0x35F); // precision unmasked
    machine.cpu.gpr[Cpu.RBX] = TestMachine.DATA;
    machine.cpu.gpr[Cpu.RCX] = TestMachine.OUTSIDE;
    // FLDPI, FLDCW [RBX], FSTP DWORD [RCX], FWAIT
    machine.code(0xD9, 0xEB, 0xD9, 0x2B, 0xD9, 0x19, 0x9B, HLT);
    assertThat(machine.run()).isEqualTo(ExitReason.MEMORY_WRITE);
    assertThat(machine.cpu.exit.value).isEqualTo(Float.floatToRawIntBits((float) Math.PI));
    assertThat(machine.run()).isEqualTo(ExitReason.HALT);
    assertThat(machine.vector()).isEqualTo(16);
    assertThat(machine.stacked(0)).isEqualTo(TestMachine.CODE + 6);
    assertThat(machine.cpu.fpu.used).isZero();
  }

  @Test
  void x87StateOutsideRamIsLoadedEvenIfAnExceptionWaitsInIt() {
    machine.cpu.gpr[Cpu.RBX] = TestMachine.OUTSIDE;
    machine.code(0xDD, 0x23, 0x9B, HLT); // FRSTOR [RBX], FWAIT
    machine.run();
    while (machine.cpu.exit.reason == ExitReason.MEMORY_READ) {
      boolean status = machine.cpu.exit.gpa == TestMachine.OUTSIDE + 4;
      machine.cpu.exit.value = status ? 1 : 0; // invalid operation; the control word masks nothing
      machine.run();
    }
    assertThat(machine.cpu.exit.reason).isEqualTo(ExitReason.HALT);
    assertThat(machine.vector()).isEqualTo(16);
    assertThat(machine.stacked(0)).isEqualTo(TestMachine.CODE + 2);
  }

  @Test
  void undefinedInstructionIsRecorded() {
    machine.code(0x0F, 0x0A).run();
    assertThat(machine.vector()).isEqualTo(6);
    Insn undefined = Objects.requireNonNull(machine.processor.undefinedInstruction());
    assertThat(undefined.name()).isEqualTo("undefined instruction 0f 0a");
    assertThat(undefined.rip()).isEqualTo(TestMachine.CODE);
  }

  @Test
  void unsupportedInstructionsAreNamed() {
    assertThat(nameOfUndefined(0xC5, 0xFC, 0x58, 0xC1)).isEqualTo("c5 fc 58 (AVX: VADDPS)");
    assertThat(nameOfUndefined(0xC4, 0xE2, 0xFD, 0x98, 0xC1)).isEqualTo("c4 e2 fd 98 (AVX)");
    assertThat(nameOfUndefined(0x62, 0xF1, 0x7C, 0x48)).isEqualTo("62 f1 (AVX-512)");
    assertThat(nameOfUndefined(0x0F, 0x01, 0xD0)).isEqualTo("0f 01 d0 (XGETBV)");
  }

  private static String nameOfUndefined(int... code) {
    TestMachine machine = new TestMachine();
    machine.code(code).run();
    assertThat(machine.vector()).isEqualTo(6);
    Insn undefined = Objects.requireNonNull(machine.processor.undefinedInstruction());
    return undefined.name().replace("undefined instruction ", "");
  }
}
