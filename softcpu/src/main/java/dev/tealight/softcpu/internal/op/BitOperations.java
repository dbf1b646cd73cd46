// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import static dev.tealight.softcpu.internal.cpu.Cpu.signExtend;
import static dev.tealight.softcpu.internal.cpu.Cpu.zeroExtend;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Flags;
import dev.tealight.softcpu.internal.cpu.Insn;

/** Bit tests, bit scans, BMI1 and BMI2, POPCNT, CRC32. */
public final class BitOperations {
  private BitOperations() {}

  // BT, BTS, BTR, BTC: with a register bit offset the memory operand is a bit string

  public static void bt(Cpu cpu, Insn insn) {
    long bit = bitIndex(cpu, insn);
    long value =
        insn.dst() == Insn.MEMORY
            ? cpu.memory.load(bitStringAddress(cpu, insn, false), insn.size())
            : cpu.readDst(insn);
    setCarry(cpu, (value >>> bit & 1) != 0);
  }

  public static void bts(Cpu cpu, Insn insn) {
    modifyBit(cpu, insn, 1, 0);
  }

  public static void btr(Cpu cpu, Insn insn) {
    modifyBit(cpu, insn, 0, 0);
  }

  public static void btc(Cpu cpu, Insn insn) {
    modifyBit(cpu, insn, 0, 1);
  }

  /** Sets, clears or flips the bit: it becomes {@code set | (old & flip ^ flip)}. */
  private static void modifyBit(Cpu cpu, Insn insn, long set, long flip) {
    int size = insn.size();
    long bit = bitIndex(cpu, insn);
    long address = 0;
    long value;
    if (insn.dst() == Insn.MEMORY) {
      address = bitStringAddress(cpu, insn, true);
      cpu.memory.requireWritable(address, size);
      value = cpu.memory.load(address, size);
    } else {
      value = cpu.readDst(insn);
    }
    long old = value >>> bit & 1;
    long replacement = set | ((old ^ 1) & flip);
    long result = (value & ~(1L << bit)) | replacement << bit;
    if (insn.dst() == Insn.MEMORY) {
      cpu.memory.store(address, size, result);
    } else {
      cpu.writeDst(insn, result);
    }
    setCarry(cpu, old != 0);
  }

  private static long bitIndex(Cpu cpu, Insn insn) {
    return cpu.readSrc(insn) & insn.size() * 8 - 1;
  }

  private static long bitStringAddress(Cpu cpu, Insn insn, boolean write) {
    int size = insn.size();
    long offset = cpu.effectiveAddress(insn);
    if (insn.src() >= 0) {
      int bitsShift = Integer.numberOfTrailingZeros(size * 8);
      offset += (cpu.readSrc(insn) >> bitsShift) * size;
      offset &= insn.addressMask();
    }
    int segment = insn.segment();
    return segment == dev.tealight.softcpu.internal.cpu.Segments.FLAT
        ? offset
        : cpu.linear(segment, offset, size, write);
  }

  private static void setCarry(Cpu cpu, boolean carry) {
    cpu.flags.arithmetic((cpu.flags.arithmetic() & ~Flags.CF) | (carry ? Flags.CF : 0));
  }

  private static void setZero(Cpu cpu, boolean zero) {
    cpu.flags.arithmetic((cpu.flags.arithmetic() & ~Flags.ZF) | (zero ? Flags.ZF : 0));
  }

  // Scans: with a zero source the destination stays as it was

  public static void bsf(Cpu cpu, Insn insn) {
    long value = zeroExtend(cpu.readSrc(insn), insn.size());
    if (value != 0) {
      cpu.writeDst(insn, Long.numberOfTrailingZeros(value));
    }
    setZero(cpu, value == 0);
  }

  public static void bsr(Cpu cpu, Insn insn) {
    long value = zeroExtend(cpu.readSrc(insn), insn.size());
    if (value != 0) {
      cpu.writeDst(insn, 63 - Long.numberOfLeadingZeros(value));
    }
    setZero(cpu, value == 0);
  }

  public static void tzcnt(Cpu cpu, Insn insn) {
    int bits = insn.size() * 8;
    long value = zeroExtend(cpu.readSrc(insn), insn.size());
    countResult(cpu, insn, value == 0 ? bits : Long.numberOfTrailingZeros(value), value == 0);
  }

  public static void lzcnt(Cpu cpu, Insn insn) {
    int bits = insn.size() * 8;
    long value = zeroExtend(cpu.readSrc(insn), insn.size());
    countResult(cpu, insn, Long.numberOfLeadingZeros(value) - (64 - bits), value == 0);
  }

  private static void countResult(Cpu cpu, Insn insn, long count, boolean none) {
    cpu.writeDst(insn, count);
    cpu.flags.result(count, none ? Flags.CF : 0);
  }

  public static void popcnt(Cpu cpu, Insn insn) {
    long value = zeroExtend(cpu.readSrc(insn), insn.size());
    cpu.writeDst(insn, Long.bitCount(value));
    cpu.flags.arithmetic(value == 0 ? Flags.ZF : 0);
  }

  public static void bswap(Cpu cpu, Insn insn) {
    long value = cpu.readDst(insn);
    cpu.writeDst(
        insn,
        switch (insn.size()) {
          case 8 -> Long.reverseBytes(value);
          case 4 -> Integer.reverseBytes((int) value);
          default -> 0; // undefined; current processors clear the 16 bits
        });
  }

  public static void movbe(Cpu cpu, Insn insn) {
    long value = cpu.readSrc(insn);
    cpu.writeDst(
        insn,
        switch (insn.size()) {
          case 8 -> Long.reverseBytes(value);
          case 4 -> Integer.reverseBytes((int) value);
          default -> Short.reverseBytes((short) value);
        });
  }

  // BMI1

  public static void andn(Cpu cpu, Insn insn) {
    long result = ~cpu.register(insn.third(), insn.size()) & cpu.readSrc(insn);
    cpu.writeDst(insn, result);
    cpu.flags.logic(result);
  }

  public static void blsr(Cpu cpu, Insn insn) {
    long value = cpu.readSrc(insn);
    long result = value & value - 1;
    writeBls(cpu, insn, result, value == 0);
  }

  public static void blsmsk(Cpu cpu, Insn insn) {
    long value = cpu.readSrc(insn);
    writeBls(cpu, insn, value ^ value - 1, value == 0);
  }

  public static void blsi(Cpu cpu, Insn insn) {
    long value = cpu.readSrc(insn);
    writeBls(cpu, insn, value & -value, value != 0);
  }

  private static void writeBls(Cpu cpu, Insn insn, long result, boolean carry) {
    long extended = signExtend(result, insn.size());
    cpu.writeDst(insn, extended);
    cpu.flags.result(extended, carry ? Flags.CF : 0);
  }

  public static void bextr(Cpu cpu, Insn insn) {
    long control = cpu.gpr[insn.third()];
    int start = (int) control & 0xFF;
    int length = (int) (control >>> 8) & 0xFF;
    long value = zeroExtend(cpu.readSrc(insn), insn.size());
    long shifted = start >= 64 ? 0 : value >>> start;
    long result = length >= 64 ? shifted : shifted & (1L << length) - 1;
    long extended = signExtend(result, insn.size());
    cpu.writeDst(insn, extended);
    cpu.flags.logic(extended);
  }

  // BMI2

  public static void bzhi(Cpu cpu, Insn insn) {
    int bits = insn.size() * 8;
    int index = (int) cpu.gpr[insn.third()] & 0xFF;
    long value = cpu.readSrc(insn);
    long result = index >= bits ? value : value & (1L << index) - 1;
    cpu.writeDst(insn, result);
    cpu.flags.result(signExtend(result, insn.size()), index >= bits ? Flags.CF : 0);
  }

  public static void pdep(Cpu cpu, Insn insn) {
    long mask = zeroExtend(cpu.readSrc(insn), insn.size());
    cpu.writeDst(insn, Long.expand(cpu.gpr[insn.third()], mask));
  }

  public static void pext(Cpu cpu, Insn insn) {
    long mask = zeroExtend(cpu.readSrc(insn), insn.size());
    cpu.writeDst(insn, Long.compress(cpu.gpr[insn.third()], mask));
  }

  /** CRC32 with the Castagnoli polynomial, reflected. */
  public static void crc32(Cpu cpu, Insn insn) {
    int bytes = insn.sourceSize();
    long value = cpu.readSrc(insn);
    int crc = (int) cpu.gpr[insn.dst()];
    for (int i = 0; i < bytes; i++) {
      crc ^= (int) (value >>> (8 * i)) & 0xFF;
      for (int bit = 0; bit < 8; bit++) {
        crc = crc >>> 1 ^ ((crc & 1) != 0 ? 0x82F6_3B78 : 0);
      }
    }
    cpu.gpr[insn.dst()] = crc & 0xFFFF_FFFFL;
  }
}
