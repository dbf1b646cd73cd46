// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.softcpu.internal.cpu.ExitReason;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Whatever bytes the guest executes, the run ends with an exit and the JVM stays whole. */
class HostileCodeTest {
  private static final boolean NIGHTLY = "nightly".equals(System.getProperty("tealight.effort"));
  private static final int RUNS = NIGHTLY ? 1_000_000 : 2_000;
  private static final int EXITS_PER_RUN = 20;

  @Test
  void randomBytesAsCodeOnlyEverEndInExits() {
    SplittableRandom random = new SplittableRandom(7);
    for (int run = 0; run < RUNS; run++) {
      TestMachine machine = new TestMachine();
      for (int i = 0; i < 512; i++) {
        machine.ram.set(ValueLayout.JAVA_BYTE, TestMachine.CODE + i, (byte) random.nextInt(256));
      }
      for (int i = 0; i < 16; i++) {
        machine.cpu.gpr[i] = random.nextInt(3) == 0 ? random.nextLong() : random.nextInt(0x40_0000);
      }
      runBounded(machine);
    }
  }

  @Test
  void randomPageTablesOnlyEverEndInExits() {
    SplittableRandom random = new SplittableRandom(11);
    for (int run = 0; run < RUNS; run++) {
      TestMachine machine = new TestMachine();
      for (int i = 0; i < 16; i++) {
        long entry = (random.nextLong() & (random.nextBoolean() ? -1L : 0x1F_FFFFL)) | 1;
        machine.ram.set(TestMachine.LONG, TestMachine.PAGE_TABLE + random.nextInt(512) * 8L, entry);
      }
      // A loop that reads all over the first 4 MiB: ADD RBX,imm; AND EBX,imm; ADD [RBX],AL
      machine.code(
          0x48, 0x81, 0xC3, 0x35, 0x17, 0x01, 0x00, 0x81, 0xE3, 0xFF, 0xFF, 0x3F, 0x00, 0x00, 0x03,
          0xEB, 0xEF);
      runBounded(machine);
    }
  }

  /** A loop is ended by kicks; each exit is answered with zero. */
  private static void runBounded(TestMachine machine) {
    machine.processor.debugging.singleStep(true); // bounds each run without a clock
    for (int exits = 0; exits < EXITS_PER_RUN; exits++) {
      ExitReason reason = machine.run();
      assertThat(reason).isNotEqualTo(ExitReason.NONE);
      if (reason == ExitReason.SHUTDOWN) {
        return;
      }
      machine.cpu.exit.value = 0;
    }
  }
}
