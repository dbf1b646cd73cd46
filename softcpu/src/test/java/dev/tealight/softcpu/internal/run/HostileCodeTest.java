// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.softcpu.internal.cpu.ExitReason;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/**
 * Whatever bytes the guest executes and wherever its page tables point, a run ends with an exit,
 * and the JVM stays whole and does not grow. Interpreted, and translated as soon as code runs
 * twice. Endless loops are ended by kicks from another thread.
 */
class HostileCodeTest {
  private static final boolean NIGHTLY = "nightly".equals(System.getProperty("tealight.effort"));

  /** Executed by each test. */
  private static final long INSTRUCTIONS = NIGHTLY ? 100_000_000 : 50_000;

  /** What a run counts at most: more is a loop that waits for its kick. */
  private static final long COUNTED_PER_RUN = 1000;

  private static final int CODE_SIZE = 2048;
  private static final int EXITS_PER_CODE = 200;

  /** Few, so that code at them becomes hot. */
  private static final int ENTRIES = 16;

  /** A machine holds on to code that it has seen: it is replaced now and then. */
  private static final int CODES_PER_MACHINE = NIGHTLY ? 200 : 40;

  private static final long ALLOWED_GROWTH = 64 << 20;

  private final SplittableRandom random = new SplittableRandom(7);
  private long executed;

  @Test
  void randomBytesEndInExitsInterpreted() throws InterruptedException {
    execute(TranslationPolicy.NEVER, this::randomCode);
  }

  @Test
  void randomBytesEndInExitsTranslated() throws InterruptedException {
    execute(TranslationPolicy.EAGER, this::randomCode);
  }

  @Test
  void randomPageTablesEndInExitsInterpreted() throws InterruptedException {
    execute(TranslationPolicy.NEVER, this::randomPageTables);
  }

  @Test
  void randomPageTablesEndInExitsTranslated() throws InterruptedException {
    execute(TranslationPolicy.EAGER, this::randomPageTables);
  }

  private interface Input {
    void into(TestMachine machine);
  }

  private void randomCode(TestMachine machine) {
    for (int i = 0; i < CODE_SIZE; i++) {
      machine.ram.set(ValueLayout.JAVA_BYTE, TestMachine.CODE + i, (byte) random.nextInt(256));
    }
  }

  private void randomPageTables(TestMachine machine) {
    // A loop that reads all over the first 4 MiB: ADD RBX,imm; AND EBX,imm; ADD [RBX],AL; JMP
    machine.code(
        0x48, 0x81, 0xC3, 0x35, 0x17, 0x01, 0x00, 0x81, 0xE3, 0xFF, 0xFF, 0x3F, 0x00, 0x00, 0x03,
        0xEB, 0xEF);
    for (int i = 0; i < 16; i++) {
      long entry = (random.nextLong() & (random.nextBoolean() ? -1L : 0x1F_FFFFL)) | 1;
      long table =
          random.nextInt(4) == 0 ? 0x1000L * (1 + random.nextInt(3)) : TestMachine.PAGE_TABLE;
      machine.ram.set(TestMachine.LONG, table + random.nextInt(512) * 8L, entry);
    }
  }

  private void execute(TranslationPolicy policy, Input input) throws InterruptedException {
    long usedAtFirst = 0;
    int machines = 0;
    do {
      TestMachine machine = new TestMachine(policy);
      Thread kicker = Thread.ofPlatform().daemon().start(() -> kickUntilInterrupted(machine));
      try {
        for (int i = 0; i < CODES_PER_MACHINE; i++) {
          machine.setTables();
          machine.setRegisters();
          input.into(machine);
          run(machine);
        }
      } finally {
        kicker.interrupt();
        kicker.join();
      }
      if (++machines == 2) {
        usedAtFirst = used();
      }
    } while (executed < INSTRUCTIONS || machines < 2);
    System.out.printf("executed %d random instructions on %d machines%n", executed, machines);
    assertThat(used() - usedAtFirst).isLessThan(ALLOWED_GROWTH);
  }

  private static void kickUntilInterrupted(TestMachine machine) {
    while (!Thread.interrupted()) {
      LockSupport.parkNanos(50_000);
      machine.processor.kick();
    }
  }

  private static long used() {
    System.gc();
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  private void run(TestMachine machine) {
    for (int exits = 0; exits < EXITS_PER_CODE; exits++) {
      if (exits % 8 == 0) {
        for (int i = 0; i < 16; i++) {
          machine.cpu.gpr[i] =
              random.nextInt(3) == 0 ? random.nextLong() : random.nextInt(0x40_0000);
        }
      }
      long before = machine.cpu.retired;
      ExitReason reason = machine.run();
      executed += Math.min(machine.cpu.retired - before, COUNTED_PER_RUN);
      assertThat(reason).isNotEqualTo(ExitReason.NONE);
      machine.cpu.exit.value = random.nextLong();
      boolean mayGoOn =
          switch (reason) {
            case HALT, SHUTDOWN, VIOLATION, KICKED -> false;
            default -> true;
          };
      if (!mayGoOn) {
        machine.setRegisters();
        machine.cpu.rip = TestMachine.CODE + (long) random.nextInt(ENTRIES) * (CODE_SIZE / ENTRIES);
      }
    }
  }
}
