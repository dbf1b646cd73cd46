// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.run;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Environment;
import dev.tealight.softcpu.internal.cpu.ExitReason;
import dev.tealight.softcpu.internal.cpu.Ram;
import dev.tealight.softcpu.internal.cpu.Segments;
import dev.tealight.softcpu.internal.memory.Access;
import dev.tealight.softcpu.internal.translate.SharedCode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Two MiB of RAM, mapped one to one in 64-bit mode, with code at {@link #CODE}, interrupt handlers
 * that halt at {@link #HANDLERS}, and everything above outside RAM.
 */
final class TestMachine implements Ram {
  static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final long RAM_SIZE = 0x20_0000;
  static final long PAGE_TABLE = 0x4000;
  static final long GDT = 0x5000;
  static final long TSS = 0x5100;
  static final long IDT = 0x6000;
  static final long HANDLERS = 0x7000;
  static final long CODE = 0x1_0000;
  static final long DATA = 0x2_0000;
  static final long STACK = 0x3_0000;
  static final long OUTSIDE = 0x20_0000;

  final MemorySegment ram = Arena.ofAuto().allocate(RAM_SIZE);
  final Processor processor;
  final Cpu cpu;

  /** The page that allows only this; -1 for none. */
  long restrictedPage = -1;

  int allowed = Access.ALL;

  TestMachine() {
    this(TranslationPolicy.NEVER);
  }

  TestMachine(TranslationPolicy policy) {
    this(policy, new SharedCode());
  }

  TestMachine(TranslationPolicy policy, SharedCode shared) {
    processor =
        new Processor(
            this,
            new Environment() {
              @Override
              public long timestamp(long retired) {
                return retired;
              }

              @Override
              public long random() {
                return 42;
              }
            },
            policy,
            shared);
    cpu = processor.cpu;
    setTables();
    setRegisters();
  }

  /** Sets page tables, descriptors and handlers as they are at first. */
  void setTables() {
    ram.asSlice(0x1000, 0x4000).fill((byte) 0);
    ram.set(LONG, 0x1000, 0x2003);
    ram.set(LONG, 0x2000, 0x3003);
    ram.set(LONG, 0x3000, PAGE_TABLE | 3);
    ram.set(LONG, 0x3008, 0x20_0083); // behind the RAM
    for (long page = 0; page < RAM_SIZE; page += 4096) {
      ram.set(LONG, PAGE_TABLE + page / 512, page | 3);
    }
    ram.set(LONG, GDT + 8, 0x00AF_9B00_0000_FFFFL);
    ram.set(LONG, GDT + 16, 0x00CF_9300_0000_FFFFL);
    for (int vector = 0; vector < 256; vector++) {
      ram.set(LONG, IDT + vector * 16L, HANDLERS + vector | 8L << 16 | 0x8EL << 40);
    }
    ram.asSlice(HANDLERS, 256).fill((byte) 0xF4);
  }

  /** Sets the registers as they are at first; what was counted goes on. */
  void setRegisters() {
    processor.abandonExit();
    cpu.reset();
    cpu.segments.set(Segments.CS, 8, 0, 0xFFFF_FFFFL, 0xA09B);
    cpu.segments.set(Segments.SS, 16, 0, 0xFFFF_FFFFL, 0xC093);
    cpu.segments.set(Segments.TR, 0x18, TSS, 0x67, 0x8B);
    cpu.system.gdtBase = GDT;
    cpu.system.gdtLimit = 0x17;
    cpu.system.idtBase = IDT;
    cpu.system.idtLimit = 0xFFF;
    cpu.system.restore(0x8001_0033L, 0x1000, 0x620, 0xD00);
    cpu.rip = CODE;
    cpu.gpr[Cpu.RSP] = STACK;
  }

  @Override
  public MemorySegment segment() {
    return ram;
  }

  @Override
  public int permissions(long gpa) {
    return (gpa & -4096L) == restrictedPage ? allowed : Access.ALL;
  }

  TestMachine code(int... bytes) {
    for (int i = 0; i < bytes.length; i++) {
      ram.set(ValueLayout.JAVA_BYTE, CODE + i, (byte) bytes[i]);
    }
    return this;
  }

  ExitReason run() {
    return processor.run();
  }

  /** Returns the vector whose handler halted. */
  int vector() {
    return (int) (cpu.rip - 1 - HANDLERS);
  }

  /** Returns a word of what was pushed last, 0 being on top. */
  long stacked(int index) {
    return ram.get(LONG, cpu.gpr[Cpu.RSP] + 8L * index);
  }
}
