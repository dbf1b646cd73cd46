// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.ExitReason;
import dev.tealight.softcpu.internal.translate.SharedCode;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

/** Machines whose translated code is one class. */
class SharedCodeTest {
  private static final int HLT = 0xF4;
  private static final TranslationPolicy EARLY = new TranslationPolicy(1, 0);

  private final SharedCode shared = new SharedCode(100);

  /** Adds a number to a word of memory and to the low half of XMM1 until RCX is zero. */
  private static TestMachine summing(TestMachine machine, int number) {
    machine.cpu.rip = TestMachine.CODE;
    machine.cpu.gpr[Cpu.RBX] = TestMachine.DATA;
    machine.cpu.gpr[Cpu.RCX] = 10;
    // ADD QWORD [RBX],number; PADDQ XMM1,XMM2; DEC RCX; JNZ; HLT
    return machine.code(
        0x48, 0x83, 0x03, number, 0x66, 0x0F, 0xD4, 0xCA, 0x48, 0xFF, 0xC9, 0x75, 0xF3, HLT);
  }

  private static long word(TestMachine machine) {
    return machine.ram.get(TestMachine.LONG, TestMachine.DATA);
  }

  @Test
  void secondMachineTakesTheClassesOfTheFirst() {
    summing(new TestMachine(EARLY, shared), 3).run();
    int made = shared.size();
    assertThat(made).isPositive();
    TestMachine second = summing(new TestMachine(EARLY, shared), 3);
    assertThat(second.run()).isEqualTo(ExitReason.HALT);
    assertThat(shared.size()).isEqualTo(made);
    assertThat(word(second)).isEqualTo(30);
  }

  @Test
  void otherCodeAtTheSameAddressIsAnotherClass() {
    summing(new TestMachine(EARLY, shared), 3).run();
    int made = shared.size();
    TestMachine second = summing(new TestMachine(EARLY, shared), 4);
    second.run();
    assertThat(shared.size()).isGreaterThan(made);
    assertThat(word(second)).isEqualTo(40);
  }

  @Test
  void machinesThatShareCodeKeepTheirMemoryAndRegistersApart() {
    TestMachine[] machines = new TestMachine[3];
    for (int i = 0; i < machines.length; i++) {
      machines[i] = summing(new TestMachine(EARLY, shared), 1);
      machines[i].ram.set(TestMachine.LONG, TestMachine.DATA, 1000L * i);
      machines[i].cpu.sse.xmm[4] = 100L * i;
    }
    for (int round = 1; round <= 3; round++) {
      for (int i = 0; i < machines.length; i++) {
        TestMachine machine = machines[i];
        machine.cpu.rip = TestMachine.CODE;
        machine.cpu.gpr[Cpu.RCX] = 10;
        assertThat(machine.run()).isEqualTo(ExitReason.HALT);
        assertThat(word(machine)).isEqualTo(1000L * i + 10L * round);
        assertThat(machine.cpu.sse.xmm[2]).isEqualTo(1000L * i * round);
        assertThat(machine.cpu.retired).isEqualTo(41L * round);
      }
    }
  }

  @Test
  void blockThatIsOnlyReachedByJumpsForwardBeginsNoRegion() {
    TestMachine machine = new TestMachine(new TranslationPolicy(3, 0), shared);
    int target = 100;
    for (int start = 0; start < 80; start += 8) {
      machine.ram.set(ValueLayout.JAVA_BYTE, TestMachine.CODE + start, (byte) 0xEB); // JMP target
      machine.ram.set(
          ValueLayout.JAVA_BYTE, TestMachine.CODE + start + 1, (byte) (target - start - 2));
    }
    machine.ram.set(ValueLayout.JAVA_BYTE, TestMachine.CODE + target, (byte) HLT);
    for (int start = 0; start < 80; start += 8) { // the target runs ten times, all others once
      machine.cpu.rip = TestMachine.CODE + start;
      assertThat(machine.run()).isEqualTo(ExitReason.HALT);
    }
    assertThat(shared.size()).isZero();
    summing(machine, 1).run(); // a loop
    assertThat(shared.size()).isPositive();
  }

  @Test
  void noMoreClassesAreKeptThanAllowed() {
    SharedCode small = new SharedCode(2);
    for (int number = 1; number < 10; number++) {
      TestMachine machine = summing(new TestMachine(EARLY, small), number);
      machine.run();
      assertThat(word(machine)).isEqualTo(10L * number);
    }
    assertThat(small.size()).isEqualTo(2);
  }
}
