// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import static dev.tealight.softcpu.internal.cpu.Cpu.signExtend;
import static dev.tealight.softcpu.internal.cpu.Cpu.zeroExtend;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Flags;
import dev.tealight.softcpu.internal.cpu.Insn;

/**
 * Shifts and rotates.
 *
 * <p>Where the manual leaves OF undefined (counts other than 1) it is what the one-bit formula
 * gives for the last step; AF is cleared.
 */
public final class Shifts {
  private Shifts() {}

  private static int count(Cpu cpu, Insn insn) {
    return (int) cpu.readSrc(insn) & (insn.size() == 8 ? 63 : 31);
  }

  private static int carryOverflow(boolean carry, boolean overflow) {
    return (carry ? Flags.CF : 0) | (overflow ? Flags.OF : 0);
  }

  // CF and OF, for counts of 1 or more

  public static int shlBits(long value, int count, int bits, long result) {
    boolean carry = count <= bits && (value >>> (bits - count) & 1) != 0;
    return carryOverflow(carry, result < 0 ^ carry);
  }

  public static int shrBits(long value, long unsigned, int count) {
    return carryOverflow((unsigned >>> (count - 1) & 1) != 0, count == 1 && value < 0);
  }

  public static int sarBits(long value, int count) {
    return carryOverflow((value >> (count - 1) & 1) != 0, false);
  }

  public static void shl(Cpu cpu, Insn insn) {
    int size = insn.size();
    int bits = size * 8;
    long value = cpu.readDstForUpdate(insn);
    int count = count(cpu, insn);
    if (count == 0) {
      cpu.writeDst(insn, value);
      return;
    }
    long result = signExtend(value << count, size);
    cpu.writeDst(insn, result);
    cpu.flags.result(result, shlBits(value, count, bits, result));
  }

  public static void shr(Cpu cpu, Insn insn) {
    int size = insn.size();
    long value = cpu.readDstForUpdate(insn);
    int count = count(cpu, insn);
    if (count == 0) {
      cpu.writeDst(insn, value);
      return;
    }
    long unsigned = zeroExtend(value, size);
    long result = signExtend(unsigned >>> count, size);
    cpu.writeDst(insn, result);
    cpu.flags.result(result, shrBits(value, unsigned, count));
  }

  public static void sar(Cpu cpu, Insn insn) {
    long value = cpu.readDstForUpdate(insn);
    int count = count(cpu, insn);
    if (count == 0) {
      cpu.writeDst(insn, value);
      return;
    }
    long result = value >> count;
    cpu.writeDst(insn, result);
    cpu.flags.result(result, sarBits(value, count));
  }

  public static void rol(Cpu cpu, Insn insn) {
    int bits = insn.size() * 8;
    long value = cpu.readDstForUpdate(insn);
    int masked = count(cpu, insn);
    int count = masked & bits - 1;
    long unsigned = zeroExtend(value, insn.size());
    long result =
        count == 0
            ? value
            : signExtend(unsigned << count | unsigned >>> (bits - count), insn.size());
    cpu.writeDst(insn, result);
    if (masked != 0) {
      boolean carry = (result & 1) != 0;
      rotated(cpu, carry, result < 0 ^ carry);
    }
  }

  public static void ror(Cpu cpu, Insn insn) {
    int bits = insn.size() * 8;
    long value = cpu.readDstForUpdate(insn);
    int masked = count(cpu, insn);
    int count = masked & bits - 1;
    long unsigned = zeroExtend(value, insn.size());
    long result =
        count == 0
            ? value
            : signExtend(unsigned >>> count | unsigned << (bits - count), insn.size());
    cpu.writeDst(insn, result);
    if (masked != 0) {
      rotated(cpu, result < 0, result < 0 ^ (result >>> (bits - 2) & 1) != 0);
    }
  }

  public static void rcl(Cpu cpu, Insn insn) {
    int bits = insn.size() * 8;
    long value = cpu.readDstForUpdate(insn);
    int count = count(cpu, insn) % (bits + 1);
    boolean carry = cpu.flags.carry();
    long result = zeroExtend(value, insn.size());
    for (int i = 0; i < count; i++) {
      boolean out = (result >>> (bits - 1) & 1) != 0;
      result = result << 1 | (carry ? 1 : 0);
      carry = out;
    }
    result = signExtend(result, insn.size());
    cpu.writeDst(insn, result);
    if (count != 0) {
      rotated(cpu, carry, result < 0 ^ carry);
    }
  }

  public static void rcr(Cpu cpu, Insn insn) {
    int bits = insn.size() * 8;
    long value = cpu.readDstForUpdate(insn);
    int count = count(cpu, insn) % (bits + 1);
    boolean carry = cpu.flags.carry();
    long result = zeroExtend(value, insn.size());
    for (int i = 0; i < count; i++) {
      boolean out = (result & 1) != 0;
      result = result >>> 1 | (carry ? 1L : 0L) << (bits - 1);
      carry = out;
    }
    result = signExtend(result, insn.size());
    cpu.writeDst(insn, result);
    if (count != 0) {
      rotated(cpu, carry, result < 0 ^ (result >>> (bits - 2) & 1) != 0);
    }
  }

  /** Rotates change CF and OF only. */
  private static void rotated(Cpu cpu, boolean carry, boolean overflow) {
    cpu.flags.arithmetic(
        (cpu.flags.arithmetic() & ~(Flags.CF | Flags.OF)) | carryOverflow(carry, overflow));
  }

  private static int doubleCount(Cpu cpu, Insn insn) {
    long count = insn.third() >= 0 ? cpu.gpr[insn.third()] : insn.immediate();
    return (int) count & (insn.size() == 8 ? 63 : 31);
  }

  public static void shld(Cpu cpu, Insn insn) {
    int bits = insn.size() * 8;
    long value = cpu.readDstForUpdate(insn);
    long filler = cpu.readSrc(insn);
    int count = doubleCount(cpu, insn);
    if (count == 0 || count > bits) {
      cpu.writeDst(insn, value); // 16-bit shifts by more than 16 are undefined: left alone
      return;
    }
    long low = zeroExtend(filler, insn.size());
    long result =
        count == bits ? filler : signExtend(value << count | low >>> (bits - count), insn.size());
    boolean carry = (value >>> (bits - count) & 1) != 0;
    cpu.writeDst(insn, result);
    cpu.flags.result(result, carryOverflow(carry, result < 0 ^ value < 0));
  }

  public static void shrd(Cpu cpu, Insn insn) {
    int bits = insn.size() * 8;
    long value = cpu.readDstForUpdate(insn);
    long filler = cpu.readSrc(insn);
    int count = doubleCount(cpu, insn);
    if (count == 0 || count > bits) {
      cpu.writeDst(insn, value);
      return;
    }
    long high = zeroExtend(value, insn.size());
    long result =
        count == bits ? filler : signExtend(high >>> count | filler << (bits - count), insn.size());
    boolean carry = (value >>> (count - 1) & 1) != 0;
    cpu.writeDst(insn, result);
    cpu.flags.result(result, carryOverflow(carry, result < 0 ^ value < 0));
  }

  // BMI2: no flags

  private static int vexCount(Cpu cpu, Insn insn) {
    return (int) cpu.gpr[insn.third()] & (insn.size() == 8 ? 63 : 31);
  }

  public static void shlx(Cpu cpu, Insn insn) {
    cpu.writeDst(insn, cpu.readSrc(insn) << vexCount(cpu, insn));
  }

  public static void shrx(Cpu cpu, Insn insn) {
    cpu.writeDst(insn, zeroExtend(cpu.readSrc(insn), insn.size()) >>> vexCount(cpu, insn));
  }

  public static void sarx(Cpu cpu, Insn insn) {
    cpu.writeDst(insn, cpu.readSrc(insn) >> vexCount(cpu, insn));
  }

  public static void rorx(Cpu cpu, Insn insn) {
    int bits = insn.size() * 8;
    int count = (int) insn.immediate() & bits - 1;
    long value = zeroExtend(cpu.readSrc(insn), insn.size());
    cpu.writeDst(insn, count == 0 ? value : value >>> count | value << (bits - count));
  }
}
