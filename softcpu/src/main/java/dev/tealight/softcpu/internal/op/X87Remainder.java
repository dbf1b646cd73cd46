// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import dev.tealight.softcpu.internal.cpu.X87;
import dev.tealight.softcpu.internal.fp.FloatMath;
import dev.tealight.softcpu.internal.fp.Format;
import dev.tealight.softcpu.internal.fp.Unpacked;

/** The exact remainder of FPREM and FPREM1. */
final class X87Remainder {
  private X87Remainder() {}

  /** Computes the remainder of left by right; returns the condition bits. */
  static int compute(X87 x87, boolean nearest) {
    Unpacked dividend = x87.left;
    Unpacked divisor = x87.right;
    boolean invalid = dividend.kind == Unpacked.Kind.INFINITE || divisor.kind == Unpacked.Kind.ZERO;
    if (invalid) {
      x87.math.raise(FloatMath.INVALID);
      x87.result.indefinite();
      return 0;
    }
    x87.flagDenormal(dividend);
    x87.flagDenormal(divisor);
    if (dividend.kind == Unpacked.Kind.ZERO || divisor.kind == Unpacked.Kind.INFINITE) {
      keepDividend(x87);
      return 0;
    }
    int distance = dividend.exponent - divisor.exponent;
    if (distance < -1 || (distance < 0 && !nearest)) {
      keepDividend(x87);
      return 0;
    }
    return reduce(x87, distance, nearest);
  }

  private static int reduce(X87 x87, int distance, boolean nearest) {
    long divisor = x87.right.significand;
    long remainder = x87.left.significand;
    boolean partial = distance > 63;
    int steps = partial ? (distance & 31) | 32 : distance;
    int exponent = x87.left.exponent - Math.max(steps, 0);
    long quotient = 0;
    boolean carry = false;
    if (distance < 0) { // only half the divisor is left to compare with
      exponent = x87.right.exponent;
      boolean lost = (remainder & 1) != 0;
      return finishNearest(x87, remainder >>> 1, lost, 0, exponent);
    }
    for (int i = 0; ; i++) {
      quotient <<= 1;
      if (carry || Long.compareUnsigned(remainder, divisor) >= 0) {
        remainder -= divisor;
        quotient |= 1;
      }
      if (i == steps) {
        break;
      }
      carry = remainder < 0;
      remainder <<= 1;
    }
    if (partial) {
      store(x87, x87.left.negative, remainder, exponent);
      return X87.C2;
    }
    if (nearest) {
      return finishNearest(x87, remainder, false, quotient, exponent);
    }
    store(x87, x87.left.negative, remainder, exponent);
    return quotientBits(quotient);
  }

  /** Subtracts the divisor once more if the remainder is more than half of it. */
  private static int finishNearest(
      X87 x87, long remainder, boolean halfBit, long quotient, int exponent) {
    long divisor = x87.right.significand;
    boolean top = remainder < 0;
    long twice = remainder << 1 | (halfBit ? 1 : 0);
    int order = top ? 1 : Long.compareUnsigned(twice, divisor);
    boolean up = order > 0 || (order == 0 && (quotient & 1) != 0);
    if (!up) {
      if (halfBit || (quotient == 0 && remainder == x87.left.significand >>> 1)) {
        keepDividend(x87);
      } else {
        store(x87, x87.left.negative, remainder, exponent);
      }
      return quotientBits(quotient);
    }
    // divisor - remainder, with one more bit below
    long high = divisor - remainder - (halfBit ? 1 : 0);
    boolean negative = !x87.left.negative;
    if (halfBit) {
      long doubled = high << 1 | 1;
      if (high < 0) {
        store(x87, negative, high, exponent);
      } else {
        store(x87, negative, doubled, exponent - 1);
      }
    } else {
      store(x87, negative, high, exponent);
    }
    return quotientBits(quotient + 1);
  }

  /** What is exact may still underflow, if that is unmasked. */
  private static void keepDividend(X87 x87) {
    x87.math.convert(x87.left, Format.EXTENDED, 64, x87.result);
  }

  private static void store(X87 x87, boolean negative, long remainder, int exponent) {
    if (remainder == 0) {
      x87.result.zero(x87.left.negative);
      return;
    }
    int shift = Long.numberOfLeadingZeros(remainder);
    x87.math.round(
        negative, exponent - shift, remainder << shift, 0, Format.EXTENDED, 64, x87.result);
  }

  /** The low three bits of the quotient: C0 is bit 2, C3 bit 1, C1 bit 0. */
  private static int quotientBits(long quotient) {
    return ((quotient & 4) != 0 ? X87.C0 : 0)
        | ((quotient & 2) != 0 ? X87.C3 : 0)
        | ((quotient & 1) != 0 ? X87.C1 : 0);
  }
}
