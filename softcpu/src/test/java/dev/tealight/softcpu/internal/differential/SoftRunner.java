// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.differential;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Environment;
import dev.tealight.softcpu.internal.cpu.ExitReason;
import dev.tealight.softcpu.internal.cpu.Ram;
import dev.tealight.softcpu.internal.cpu.Segments;
import dev.tealight.softcpu.internal.cpu.SystemRegisters;
import dev.tealight.softcpu.internal.memory.Access;
import dev.tealight.softcpu.internal.run.Processor;
import dev.tealight.softcpu.internal.run.TranslationPolicy;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The software CPU, set up like a process: code and data pages at the same addresses, user
 * privilege, and a supervisor whose exception handlers halt.
 */
final class SoftRunner {
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  // Physical pages
  private static final long PML4 = 0x1000;
  private static final long PDPT = 0x2000;
  private static final long DIRECTORY = 0x3000;
  private static final long LOW_TABLE = 0x4000;
  private static final long CODE_TABLE = 0x5000;
  private static final long DATA_TABLE = 0x6000;
  private static final long TABLES = 0x7000; // GDT, then the TSS
  private static final long TSS = 0x7100;
  private static final long IDT = 0x8000;
  private static final long HANDLERS = 0x9000;
  private static final long STACK_TOP = 0xB000;
  private static final long CODE = 0xC000;
  private static final long DATA = 0xD000;
  private static final long COUNTERS = 0xE000;
  private static final long RAM_SIZE = 0x10000;

  /** Where FS leads: counters of loops, out of the way of everything else. */
  private static final long COUNTER_ADDRESS = 0x2860_0000L;

  private static final long COUNTER_TABLE = 0xF000;

  private static final int KERNEL_CODE = 0x08;
  private static final int USER_CODE = 0x33;
  private static final int USER_DATA = 0x2B;

  /** The physical pages lie here for the supervisor, away from what cases are likely to touch. */
  private static final long SUPERVISOR = 0x3000_0000L;

  private static final long PRESENT = 1;

  private static final long WRITABLE = 2;
  private static final long USER = 4;

  private final MemorySegment ram = Arena.ofAuto().allocate(RAM_SIZE);
  private final Processor processor;

  SoftRunner(TranslationPolicy policy) {
    ram.set(LONG, PML4, PDPT | PRESENT | WRITABLE | USER);
    ram.set(LONG, PDPT, DIRECTORY | PRESENT | WRITABLE | USER);
    ram.set(LONG, DIRECTORY + directoryOffset(SUPERVISOR), LOW_TABLE | PRESENT | WRITABLE);
    ram.set(LONG, DIRECTORY + directoryOffset(TestCase.CODE_ADDRESS), CODE_TABLE | 7);
    ram.set(LONG, DIRECTORY + directoryOffset(TestCase.DATA_ADDRESS), DATA_TABLE | 7);
    for (long page = 0; page < RAM_SIZE; page += 4096) {
      ram.set(LONG, LOW_TABLE + page / 512, page | PRESENT | WRITABLE);
    }
    ram.set(LONG, DIRECTORY + directoryOffset(COUNTER_ADDRESS), COUNTER_TABLE | 7);
    ram.set(LONG, COUNTER_TABLE, COUNTERS | PRESENT | WRITABLE | USER);
    ram.set(LONG, CODE_TABLE, CODE | PRESENT | WRITABLE | USER);
    ram.set(LONG, DATA_TABLE, DATA | PRESENT | WRITABLE | USER);
    ram.set(LONG, TABLES + KERNEL_CODE, 0x00AF_9B00_0000_FFFFL);
    ram.set(LONG, TABLES + 0x10, 0x00CF_9300_0000_FFFFL);
    ram.set(LONG, TSS + 0x24, SUPERVISOR + STACK_TOP); // IST 1
    for (int vector = 0; vector < 256; vector++) {
      long handler = SUPERVISOR + HANDLERS + vector;
      long type = vector == 3 || vector == 4 ? 0xEEL : 0x8EL;
      ram.set(
          LONG,
          IDT + vector * 16L,
          (handler & 0xFFFF)
              | (long) KERNEL_CODE << 16
              | 1L << 32
              | type << 40
              | handler >>> 16 << 48);
    }
    ram.asSlice(HANDLERS, 256).fill((byte) 0xF4); // HLT
    Ram machine =
        new Ram() {
          @Override
          public MemorySegment segment() {
            return ram;
          }

          @Override
          public int permissions(long gpa) {
            return Access.ALL;
          }
        };
    Environment environment =
        new Environment() {
          @Override
          public long timestamp(long retired) {
            return retired;
          }

          @Override
          public long random() {
            return 0;
          }
        };
    processor = new Processor(machine, environment, policy);
  }

  private static long directoryOffset(long address) {
    return (address >>> 21 & 511) * 8;
  }

  void run(TestCase test, Outcome outcome) {
    Cpu cpu = processor.cpu;
    cpu.reset();
    processor.abandonExit();
    MemorySegment bytes = MemorySegment.ofArray(test.bytes());
    processor.memoryWritten(CODE, 4096);
    ram.asSlice(CODE, 4096).fill((byte) 0xCC);
    MemorySegment.copy(bytes, test.codeAt(), ram, CODE, TestCase.CODE_SIZE);
    MemorySegment.copy(bytes, test.dataAt(), ram, DATA, TestCase.PAGE);
    cpu.segments.set(Segments.CS, USER_CODE, 0, 0xFFFF_FFFFL, 0xA0FB);
    cpu.segments.set(Segments.SS, USER_DATA, 0, 0xFFFF_FFFFL, 0xC0F3);
    cpu.segments.set(Segments.FS, 0, COUNTER_ADDRESS, 0xFFFF_FFFFL, 0xC0F3);
    ram.asSlice(COUNTERS, 4096).fill((byte) 0);
    cpu.segments.set(Segments.TR, 0x18, SUPERVISOR + TSS, 0x67, 0x8B);
    cpu.system.gdtBase = SUPERVISOR + TABLES;
    cpu.system.gdtLimit = 0x17;
    cpu.system.idtBase = SUPERVISOR + IDT;
    cpu.system.idtLimit = 0xFFF;
    cpu.privilege = 3;
    cpu.system.restore(
        0x8001_0033L,
        PML4,
        SystemRegisters.CR4_PAE | SystemRegisters.CR4_OSFXSR | SystemRegisters.CR4_OSXMMEXCPT,
        0xD00);
    for (int i = 0; i < 16; i++) {
      cpu.gpr[i] = test.gpr(i);
    }
    cpu.flags.value(test.rflags());
    cpu.rip = TestCase.CODE_ADDRESS;
    FxsaveImage.load(cpu, test.view, test.fxsaveAt());
    ExitReason reason = processor.run();
    collect(cpu, reason, outcome);
  }

  private void collect(Cpu cpu, ExitReason reason, Outcome outcome) {
    for (int i = 0; i < 16; i++) {
      outcome.set(i, cpu.gpr[i]);
    }
    if (reason != ExitReason.HALT) {
      throw new AssertionError("case ended with " + reason);
    }
    int vector = (int) (cpu.rip - 1 - SUPERVISOR - HANDLERS);
    boolean hasErrorCode = vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
    long frame = STACK_TOP - 40;
    outcome.set(4, ram.get(LONG, frame + 24));
    outcome.set(16, ram.get(LONG, frame + 16));
    outcome.set(17, ram.get(LONG, frame));
    outcome.set(18, vector);
    outcome.set(19, hasErrorCode ? ram.get(LONG, frame - 8) : 0);
    outcome.set(20, cpu.system.cr2);
    FxsaveImage.store(cpu, outcome.view, outcome.fxsaveAt());
    MemorySegment.copy(
        ram, DATA, MemorySegment.ofArray(outcome.bytes), outcome.dataAt(), TestCase.PAGE);
  }

  /** Returns how many instructions all cases have executed. */
  long retired() {
    return processor.cpu.retired;
  }
}
