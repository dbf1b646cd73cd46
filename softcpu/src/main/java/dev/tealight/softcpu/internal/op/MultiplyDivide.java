// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import static dev.tealight.softcpu.internal.cpu.Cpu.signExtend;
import static dev.tealight.softcpu.internal.cpu.Cpu.zeroExtend;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Flags;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.fault.GuestFault;
import dev.tealight.softcpu.internal.fault.Vector;

/** Multiplication and division. Undefined flags follow from the low half of the product. */
public final class MultiplyDivide {
  private MultiplyDivide() {}

  public static void mul(Cpu cpu, Insn insn) {
    int size = insn.size();
    long left = zeroExtend(cpu.register(Cpu.RAX, size), size);
    long right = zeroExtend(cpu.readDst(insn), size);
    long low = left * right;
    long high = size == 8 ? Math.unsignedMultiplyHigh(left, right) : low >>> (size * 8);
    writeProduct(cpu, size, low, high, zeroExtend(high, size) != 0);
  }

  public static void imul1(Cpu cpu, Insn insn) {
    int size = insn.size();
    long left = cpu.register(Cpu.RAX, size);
    long right = cpu.readDst(insn);
    long low = left * right;
    long high = size == 8 ? Math.multiplyHigh(left, right) : low >> (size * 8);
    boolean overflow = size == 8 ? high != low >> 63 : signExtend(low, size) != low;
    writeProduct(cpu, size, low, high, overflow);
  }

  private static void writeProduct(Cpu cpu, int size, long low, long high, boolean overflow) {
    if (size == 1) {
      cpu.register(Cpu.RAX, 2, low);
    } else {
      cpu.register(Cpu.RAX, size, low);
      cpu.register(Cpu.RDX, size, high);
    }
    cpu.flags.result(signExtend(low, size), overflow ? Flags.CF | Flags.OF : 0);
  }

  public static void imul2(Cpu cpu, Insn insn) {
    multiply(cpu, insn, cpu.readDst(insn), cpu.readSrc(insn));
  }

  public static void imul3(Cpu cpu, Insn insn) {
    multiply(cpu, insn, cpu.readSrc(insn), insn.immediate());
  }

  private static void multiply(Cpu cpu, Insn insn, long left, long right) {
    long low = left * right;
    long result = signExtend(low, insn.size());
    boolean overflow =
        insn.size() == 8 ? Math.multiplyHigh(left, right) != low >> 63 : result != low;
    cpu.writeDst(insn, result);
    cpu.flags.result(result, overflow ? Flags.CF | Flags.OF : 0);
  }

  /** MULX: no flags. */
  public static void mulx(Cpu cpu, Insn insn) {
    int size = insn.size();
    long left = zeroExtend(cpu.register(Cpu.RDX, size), size);
    long right = zeroExtend(cpu.readSrc(insn), size);
    long low = left * right;
    long high = size == 8 ? Math.unsignedMultiplyHigh(left, right) : low >>> 32;
    cpu.register(insn.third(), size, low);
    cpu.register(insn.dst(), size, high); // last: wins where both are the same register
  }

  private static GuestFault divideError(Cpu cpu) {
    return cpu.fault.raise(Vector.DIVIDE);
  }

  public static void div(Cpu cpu, Insn insn) {
    int size = insn.size();
    long divisor = zeroExtend(cpu.readDst(insn), size);
    if (divisor == 0) {
      throw divideError(cpu);
    }
    if (size == 8) {
      div128(cpu, divisor);
      return;
    }
    long dividend = dividend(cpu, size);
    long quotient = Long.divideUnsigned(dividend, divisor);
    if (quotient >>> (size * 8) != 0) {
      throw divideError(cpu);
    }
    writeQuotient(cpu, size, quotient, Long.remainderUnsigned(dividend, divisor));
  }

  private static long dividend(Cpu cpu, int size) {
    if (size == 1) {
      return cpu.gpr[Cpu.RAX] & 0xFFFF;
    }
    long low = zeroExtend(cpu.gpr[Cpu.RAX], size);
    return zeroExtend(cpu.gpr[Cpu.RDX], size) << (size * 8) | low;
  }

  private static void writeQuotient(Cpu cpu, int size, long quotient, long remainder) {
    if (size == 1) {
      cpu.register(Cpu.RAX, 2, (quotient & 0xFF) | (remainder & 0xFF) << 8);
    } else {
      cpu.register(Cpu.RAX, size, quotient);
      cpu.register(Cpu.RDX, size, remainder);
    }
  }

  private static void div128(Cpu cpu, long divisor) {
    long high = cpu.gpr[Cpu.RDX];
    if (Long.compareUnsigned(high, divisor) >= 0) {
      throw divideError(cpu);
    }
    divideWide(cpu, high, cpu.gpr[Cpu.RAX], divisor);
  }

  /** Divides an unsigned 128-bit number; quotient and remainder go to RAX and RDX. */
  private static void divideWide(Cpu cpu, long high, long low, long divisor) {
    if (high == 0) {
      cpu.gpr[Cpu.RAX] = Long.divideUnsigned(low, divisor);
      cpu.gpr[Cpu.RDX] = Long.remainderUnsigned(low, divisor);
      return;
    }
    long quotient = low;
    long remainder = high;
    for (int i = 0; i < 64; i++) { // schoolbook, one bit at a time
      boolean carry = remainder < 0;
      remainder = remainder << 1 | quotient >>> 63;
      quotient <<= 1;
      if (carry || Long.compareUnsigned(remainder, divisor) >= 0) {
        remainder -= divisor;
        quotient |= 1;
      }
    }
    cpu.gpr[Cpu.RAX] = quotient;
    cpu.gpr[Cpu.RDX] = remainder;
  }

  public static void idiv(Cpu cpu, Insn insn) {
    int size = insn.size();
    long divisor = cpu.readDst(insn);
    if (divisor == 0) {
      throw divideError(cpu);
    }
    if (size == 8) {
      idiv128(cpu, divisor);
      return;
    }
    long dividend =
        size == 1 ? (short) cpu.gpr[Cpu.RAX] : signExtend(dividend(cpu, size), 2 * size);
    if (dividend == Long.MIN_VALUE && divisor == -1) {
      throw divideError(cpu);
    }
    long quotient = dividend / divisor;
    if (signExtend(quotient, size) != quotient) {
      throw divideError(cpu);
    }
    writeQuotient(cpu, size, quotient, dividend % divisor);
  }

  private static void idiv128(Cpu cpu, long divisor) {
    long high = cpu.gpr[Cpu.RDX];
    long low = cpu.gpr[Cpu.RAX];
    boolean negativeDividend = high < 0;
    boolean negativeQuotient = negativeDividend ^ divisor < 0;
    long absoluteLow = negativeDividend ? -low : low;
    long absoluteHigh = negativeDividend ? ~high + (low == 0 ? 1 : 0) : high;
    long absoluteDivisor = Math.abs(divisor); // 2^63 stays itself, as unsigned
    if (Long.compareUnsigned(absoluteHigh, absoluteDivisor) >= 0) {
      throw divideError(cpu);
    }
    long oldLow = low;
    divideWide(cpu, absoluteHigh, absoluteLow, absoluteDivisor);
    long quotient = cpu.gpr[Cpu.RAX];
    boolean fits =
        negativeQuotient ? Long.compareUnsigned(quotient, Long.MIN_VALUE) <= 0 : quotient >= 0;
    if (!fits) {
      cpu.gpr[Cpu.RAX] = oldLow;
      cpu.gpr[Cpu.RDX] = high;
      throw divideError(cpu);
    }
    if (negativeQuotient) {
      cpu.gpr[Cpu.RAX] = -quotient;
    }
    if (negativeDividend) {
      cpu.gpr[Cpu.RDX] = -cpu.gpr[Cpu.RDX];
    }
  }
}
