// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.translate;

import dev.tealight.softcpu.internal.cpu.Flags;

/** Small computations that generated methods call; the JIT makes them part of the method. */
public final class Arithmetic64 {
  private Arithmetic64() {}

  // Writes to parts of registers

  public static long insertWord(long value, long register) {
    return (register & ~0xFFFFL) | (value & 0xFFFF);
  }

  public static long insertByte(long value, long register) {
    return (register & ~0xFFL) | (value & 0xFF);
  }

  public static long insertHighByte(long value, long register) {
    return (register & ~0xFF00L) | (value & 0xFF) << 8;
  }

  /** Returns an address of 16 bytes that must be aligned. */
  public static long aligned(long address) {
    if ((address & 15) != 0) {
      throw Uncommon.SIGNAL;
    }
    return address;
  }

  /** Returns the target of a jump. */
  public static long canonical(long address) {
    if (address << 16 >> 16 != address) {
      throw Uncommon.SIGNAL;
    }
    return address;
  }

  // Divisions that fit; all others are interpreted

  public static long divisor(long value) {
    if (value == 0) {
      throw Uncommon.SIGNAL;
    }
    return value;
  }

  private static long dividend32(long high, long low) {
    return high << 32 | (low & 0xFFFF_FFFFL);
  }

  public static long quotient32(long high, long low, long divisor) {
    long dividend = dividend32(high, low);
    long quotient = Long.divideUnsigned(dividend, divisor);
    if (quotient >>> 32 != 0) {
      throw Uncommon.SIGNAL;
    }
    return quotient;
  }

  public static long remainder32(long high, long low, long divisor) {
    return Long.remainderUnsigned(dividend32(high, low), divisor);
  }

  public static long signedQuotient32(long high, long low, long divisor) {
    long dividend = dividend32(high, low);
    long quotient = dividend / divisor;
    if ((int) quotient != quotient || dividend == Long.MIN_VALUE) {
      throw Uncommon.SIGNAL;
    }
    return quotient;
  }

  public static long signedRemainder32(long high, long low, long divisor) {
    return dividend32(high, low) % divisor;
  }

  public static long quotient64(long high, long low, long divisor) {
    if (high != 0) {
      throw Uncommon.SIGNAL;
    }
    return Long.divideUnsigned(low, divisor);
  }

  public static long remainder64(long high, long low, long divisor) {
    return Long.remainderUnsigned(low, divisor);
  }

  public static long signedQuotient64(long high, long low, long divisor) {
    if (high != low >> 63 || low == Long.MIN_VALUE) {
      throw Uncommon.SIGNAL;
    }
    return low / divisor;
  }

  public static long signedRemainder64(long high, long low, long divisor) {
    return low % divisor;
  }

  // Flags

  /** CF and OF of a product that should fit. */
  public static long productBits(long low, long left, long right, int size) {
    boolean overflow =
        size == 8
            ? Math.multiplyHigh(left, right) != low >> 63
            : low << (64 - 8 * size) >> (64 - 8 * size) != low;
    return overflow ? Flags.CF | Flags.OF : 0;
  }

  /** CF and OF together, set unless the argument is zero. */
  public static long carryOverflow(int difference) {
    return difference != 0 ? Flags.CF | Flags.OF : 0;
  }

  public static long stepBits(boolean carry, long left, long result, boolean up) {
    boolean overflow = up ? left >= 0 && result < 0 : left < 0 && result >= 0;
    return Flags.stepBits(carry, left, result, overflow);
  }

  /** All six flags after a rotation, which changes CF and OF. */
  public static long rotatedLeft(int flags, long result) {
    boolean carry = (result & 1) != 0;
    return rotated(flags, carry, result < 0 ^ carry);
  }

  public static long rotatedRight(int flags, long result, int bits) {
    return rotated(flags, result < 0, result < 0 ^ (result >>> (bits - 2) & 1) != 0);
  }

  private static long rotated(int flags, boolean carry, boolean overflow) {
    return (flags & ~(Flags.CF | Flags.OF)) | (carry ? Flags.CF : 0) | (overflow ? Flags.OF : 0);
  }

  /** All six flags with CF replaced by a bit. */
  public static long withCarry(int flags, long bit) {
    return (flags & ~Flags.CF) | (bit & 1);
  }

  /** All six flags with ZF replaced. */
  public static long withZero(int flags, long value) {
    return (flags & ~Flags.ZF) | (value == 0 ? Flags.ZF : 0);
  }

  public static long setBit(long value, long bit) {
    return value | 1L << bit;
  }

  public static long clearBit(long value, long bit) {
    return value & ~(1L << bit);
  }

  public static long flipBit(long value, long bit) {
    return value ^ 1L << bit;
  }

  public static long countBits(long value) {
    return Long.bitCount(value);
  }

  public static long trailing(long value, int bits) {
    return value == 0 ? bits : Long.numberOfTrailingZeros(value);
  }

  public static long leading(long value, int bits) {
    return Long.numberOfLeadingZeros(value) - (64L - bits);
  }

  public static long zeroIsCarry(long value) {
    return value == 0 ? Flags.CF : 0;
  }

  public static long zeroFlag(long value) {
    return value == 0 ? Flags.ZF : 0;
  }

  // Vector halves

  public static long insertLow32(long value, long half) {
    return (half & ~0xFFFF_FFFFL) | (value & 0xFFFF_FFFFL);
  }

  public static long select32(long low, long high, int lane) {
    return ((lane & 2) == 0 ? low : high) >>> ((lane & 1) * 32) & 0xFFFF_FFFFL;
  }

  public static long pair(long low, long high) {
    return (low & 0xFFFF_FFFFL) | high << 32;
  }
}
