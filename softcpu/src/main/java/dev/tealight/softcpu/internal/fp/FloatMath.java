// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.fp;

import dev.tealight.softcpu.internal.fp.Unpacked.Kind;

/**
 * IEEE 754 arithmetic with rounding modes and exception flags, exact for all three formats.
 *
 * <p>Reused: operands and result are {@link Unpacked} that the caller owns, flags accumulate until
 * {@link #clearFlags}. NaN operands are the caller's business: x87 and SSE choose differently.
 */
public final class FloatMath {
  public static final int INVALID = 1;
  public static final int DENORMAL = 2;
  public static final int ZERO_DIVIDE = 4;
  public static final int OVERFLOW = 8;
  public static final int UNDERFLOW = 0x10;
  public static final int INEXACT = 0x20;

  private static final int SCALE = 24576;

  public static final int NEAREST = 0;
  public static final int DOWN = 1;
  public static final int UP = 2;
  public static final int TRUNCATE = 3;

  /** How results are rounded. */
  public int rounding;

  /** Tiny results become zero, as MXCSR.FTZ asks for. */
  public boolean flushToZero;

  /** Underflow is reported even if the result is exact, as with an unmasked exception. */
  public boolean underflowUnmasked;

  /** Overflow does not count as inexact, as with an unmasked exception. */
  public boolean overflowUnmasked;

  /** With an unmasked exception, 80-bit results out of range are brought back by 2^24576. */
  public boolean scales;

  private int flags;
  private boolean roundedUp;

  public void clearFlags() {
    flags = 0;
    roundedUp = false;
  }

  public int flags() {
    return flags;
  }

  public void raise(int flag) {
    flags |= flag;
  }

  /** Returns whether the last rounding went away from zero: the x87 condition C1. */
  public boolean roundedUp() {
    return roundedUp;
  }

  // Rounding

  /** Returns whether a magnitude is to be incremented. */
  private boolean increments(boolean negative, boolean odd, boolean half, boolean rest) {
    return switch (rounding) {
      case NEAREST -> half && (rest || odd);
      case DOWN -> negative && (half || rest);
      case UP -> !negative && (half || rest);
      default -> false;
    };
  }

  /**
   * Rounds {@code ±high.low × 2^(exponent - 63)} to {@code precision} bits and the exponent range
   * of {@code format}.
   *
   * @param high top bit set
   * @param low further bits; only whether they are zero, and its top bit, matter
   */
  public void round(
      boolean negative,
      int exponent,
      long high,
      long low,
      Format format,
      int precision,
      Unpacked to) {
    int dropped = 64 - precision;
    boolean tiny = exponent < format.minExponent;
    if (tiny) {
      tiny = exponent < format.minExponent - 1 || !carriesOut(negative, high, low, dropped);
      if (tiny && underflowUnmasked) {
        underflow(negative, exponent, high, low, format, precision, to);
        return;
      }
      dropped += format.minExponent - exponent;
      if (tiny && flushToZero) {
        flags |= UNDERFLOW | INEXACT;
        to.zero(negative);
        return;
      }
    }
    long kept;
    boolean half;
    boolean rest;
    if (dropped > 64) {
      kept = 0;
      half = false;
      rest = true;
    } else if (dropped == 64) {
      kept = 0;
      half = true; // the top bit is set
      rest = high << 1 != 0 || low != 0;
    } else if (dropped == 0) {
      kept = high;
      half = low < 0;
      rest = low << 1 != 0;
    } else {
      kept = high >>> dropped;
      half = (high >>> (dropped - 1) & 1) != 0;
      rest = high << (64 - dropped) << 1 != 0 || low != 0;
    }
    boolean inexact = half || rest;
    roundedUp = inexact && increments(negative, (kept & 1) != 0, half, rest);
    if (roundedUp) {
      kept++;
    }
    if (inexact) {
      flags |= INEXACT;
    }
    if (tiny && inexact) {
      flags |= UNDERFLOW;
    }
    finish(negative, exponent, kept, dropped, format, precision, to);
  }

  /** Unmasked, underflow is not asked whether it is exact; rounding knows no bound to exponents. */
  private void underflow(
      boolean negative,
      int exponent,
      long high,
      long low,
      Format format,
      int precision,
      Unpacked to) {
    flags |= UNDERFLOW;
    int inRange = scales ? exponent + SCALE : format.minExponent; // unless it scales, nobody looks
    if (inRange < format.minExponent) {
      flags |= INEXACT;
      to.zero(negative);
    } else {
      round(negative, inRange, high, low, format, precision, to);
    }
  }

  private void finish(
      boolean negative,
      int exponent,
      long kept,
      int dropped,
      Format format,
      int precision,
      Unpacked to) {
    if (kept == 0 && !(dropped == 0 && roundedUp)) {
      to.zero(negative);
      return;
    }
    int newExponent;
    long significand;
    if (kept == 0) { // 64 bits of ones carried out
      newExponent = exponent + 1;
      significand = Long.MIN_VALUE;
    } else {
      int shift = Long.numberOfLeadingZeros(kept);
      newExponent = exponent + dropped - shift;
      significand = kept << shift;
    }
    if (newExponent > format.maxExponent) {
      if (scales && overflowUnmasked) {
        scaleDown(negative, newExponent, significand, format, to);
      } else {
        overflow(negative, format, precision, to);
      }
      return;
    }
    to.finite(negative, newExponent, significand);
    to.denormal = newExponent < format.minExponent;
  }

  /** Returns whether rounding without a bound on the exponent reaches the next power of two. */
  private boolean carriesOut(boolean negative, long high, long low, int dropped) {
    long mask = dropped == 0 ? 0 : -1L >>> (64 - dropped);
    if ((high | mask) != -1L) {
      return false;
    }
    boolean half = dropped == 0 ? low < 0 : (high >>> (dropped - 1) & 1) != 0;
    boolean rest = dropped == 0 ? low << 1 != 0 : (high & mask >>> 1) != 0 || low != 0;
    return increments(negative, true, half, rest);
  }

  /** What is too large even then becomes infinite, in all rounding modes. */
  private void scaleDown(
      boolean negative, int exponent, long significand, Format format, Unpacked to) {
    flags |= OVERFLOW;
    if (exponent - SCALE <= format.maxExponent) {
      to.finite(negative, exponent - SCALE, significand);
    } else {
      flags |= INEXACT;
      roundedUp = true;
      to.infinite(negative);
    }
  }

  private void overflow(boolean negative, Format format, int precision, Unpacked to) {
    flags |= overflowUnmasked ? OVERFLOW : OVERFLOW | INEXACT;
    boolean toInfinity = rounding == NEAREST || rounding == (negative ? DOWN : UP);
    roundedUp = toInfinity;
    if (toInfinity) {
      to.infinite(negative);
    } else {
      to.finite(negative, format.maxExponent, -1L << (64 - precision));
    }
  }

  /** Rounds a number of any format to {@code format}. */
  public void convert(Unpacked from, Format format, int precision, Unpacked to) {
    if (from.kind == Kind.FINITE) {
      round(from.negative, from.exponent, from.significand, 0, format, precision, to);
    } else {
      to.copyOf(from);
    }
  }

  // Arithmetic on numbers that are not NaN

  public void add(
      Unpacked left, Unpacked right, boolean subtract, Format format, int precision, Unpacked to) {
    boolean rightNegative = right.negative ^ subtract;
    if (left.kind == Kind.INFINITE || right.kind == Kind.INFINITE) {
      addInfinite(left, right, rightNegative, to);
      return;
    }
    if (left.kind == Kind.ZERO && right.kind == Kind.ZERO) {
      boolean same = left.negative == rightNegative;
      to.zero(same ? left.negative : rounding == DOWN);
      return;
    }
    if (right.kind == Kind.ZERO) {
      round(left.negative, left.exponent, left.significand, 0, format, precision, to);
      return;
    }
    if (left.kind == Kind.ZERO) {
      round(rightNegative, right.exponent, right.significand, 0, format, precision, to);
      return;
    }
    boolean swap =
        left.exponent < right.exponent
            || (left.exponent == right.exponent
                && Long.compareUnsigned(left.significand, right.significand) < 0);
    Unpacked big = swap ? right : left;
    Unpacked small = swap ? left : right;
    boolean bigNegative = swap ? rightNegative : left.negative;
    int distance = big.exponent - small.exponent;
    if (left.negative == rightNegative) {
      sum(bigNegative, big, small, distance, format, precision, to);
    } else {
      difference(bigNegative, big, small, distance, format, precision, to);
    }
  }

  private void addInfinite(Unpacked left, Unpacked right, boolean rightNegative, Unpacked to) {
    boolean both = left.kind == right.kind;
    if (both && left.negative != rightNegative) {
      flags |= INVALID;
      to.indefinite();
    } else {
      to.infinite(left.kind == Kind.INFINITE ? left.negative : rightNegative);
    }
  }

  /** The 64 bits below a significand shifted right, the last one sticky. */
  private static long shiftedOut(long significand, int distance) {
    if (distance == 0) {
      return 0;
    }
    if (distance < 64) {
      return significand << (64 - distance);
    }
    if (distance < 127) {
      long below = distance == 64 ? significand : significand >>> (distance - 64);
      boolean lost = distance > 64 && significand << (128 - distance) != 0;
      return below | (lost ? 1 : 0);
    }
    return 1;
  }

  private void sum(
      boolean negative,
      Unpacked big,
      Unpacked small,
      int distance,
      Format format,
      int precision,
      Unpacked to) {
    long aligned = distance < 64 ? small.significand >>> distance : 0;
    long low = shiftedOut(small.significand, distance);
    long high = big.significand + aligned;
    int exponent = big.exponent;
    if (Long.compareUnsigned(high, big.significand) < 0) { // carry
      low = low >>> 1 | high << 63 | (low & 1);
      high = high >>> 1 | Long.MIN_VALUE;
      exponent++;
    }
    round(negative, exponent, high, low, format, precision, to);
  }

  private void difference(
      boolean negative,
      Unpacked big,
      Unpacked small,
      int distance,
      Format format,
      int precision,
      Unpacked to) {
    long aligned = distance < 64 ? small.significand >>> distance : 0;
    long below = shiftedOut(small.significand, distance);
    long low = -below;
    long high = big.significand - aligned - (below != 0 ? 1 : 0);
    int exponent = big.exponent;
    if (high == 0 && low == 0) {
      to.zero(rounding == DOWN);
      return;
    }
    if (high == 0) {
      high = low;
      low = 0;
      exponent -= 64;
    }
    int shift = Long.numberOfLeadingZeros(high);
    if (shift > 0) {
      high = high << shift | low >>> (64 - shift);
      low <<= shift;
      exponent -= shift;
    }
    round(negative, exponent, high, low, format, precision, to);
  }

  public void multiply(Unpacked left, Unpacked right, Format format, int precision, Unpacked to) {
    boolean negative = left.negative ^ right.negative;
    boolean infinite = left.kind == Kind.INFINITE || right.kind == Kind.INFINITE;
    boolean zero = left.kind == Kind.ZERO || right.kind == Kind.ZERO;
    if (infinite && zero) {
      flags |= INVALID;
      to.indefinite();
    } else if (infinite) {
      to.infinite(negative);
    } else if (zero) {
      to.zero(negative);
    } else {
      long high = Math.unsignedMultiplyHigh(left.significand, right.significand);
      long low = left.significand * right.significand;
      int exponent = left.exponent + right.exponent + 1;
      if (high >= 0) {
        high = high << 1 | low >>> 63;
        low <<= 1;
        exponent--;
      }
      round(negative, exponent, high, low, format, precision, to);
    }
  }

  public void divide(Unpacked left, Unpacked right, Format format, int precision, Unpacked to) {
    boolean negative = left.negative ^ right.negative;
    if (left.kind == right.kind && left.kind != Kind.FINITE) { // 0/0, infinite/infinite
      flags |= INVALID;
      to.indefinite();
    } else if (left.kind == Kind.INFINITE) {
      to.infinite(negative);
    } else if (right.kind == Kind.ZERO) {
      flags |= ZERO_DIVIDE;
      to.infinite(negative);
    } else if (left.kind == Kind.ZERO || right.kind == Kind.INFINITE) {
      to.zero(negative);
    } else {
      divideFinite(negative, left, right, format, precision, to);
    }
  }

  private void divideFinite(
      boolean negative, Unpacked left, Unpacked right, Format format, int precision, Unpacked to) {
    int exponent = left.exponent - right.exponent;
    long remainder = left.significand;
    long divisor = right.significand;
    boolean carry = false;
    if (Long.compareUnsigned(remainder, divisor) < 0) {
      carry = remainder < 0;
      remainder <<= 1;
      exponent--;
    }
    long quotient = 0;
    for (int i = 0; i < 64; i++) {
      quotient <<= 1;
      if (carry || Long.compareUnsigned(remainder, divisor) >= 0) {
        remainder -= divisor;
        quotient |= 1;
      }
      carry = remainder < 0;
      remainder <<= 1;
    }
    long low = 0;
    if (carry || remainder != 0) {
      boolean half = carry || Long.compareUnsigned(remainder, divisor) >= 0;
      boolean exact = half && remainder - divisor == 0;
      low = (half ? Long.MIN_VALUE : 0) | (exact ? 0 : 1);
    }
    round(negative, exponent, quotient, low, format, precision, to);
  }

  public void squareRoot(Unpacked from, Format format, int precision, Unpacked to) {
    if (from.kind == Kind.ZERO) {
      to.zero(from.negative);
    } else if (from.negative) {
      flags |= INVALID;
      to.indefinite();
    } else if (from.kind == Kind.INFINITE) {
      to.infinite(false);
    } else {
      rootFinite(from, format, precision, to);
    }
  }

  /** Digit by digit: 64 bits of root and a sticky remainder. */
  private void rootFinite(Unpacked from, Format format, int precision, Unpacked to) {
    boolean odd = (from.exponent & 1) != 0;
    int exponent = from.exponent >> 1;
    // The radicand as 128 bits with its point behind the first two.
    long high = odd ? from.significand : from.significand >>> 1;
    long low = odd ? 0 : from.significand << 63;
    long root = 0;
    long remainderHigh = 0;
    long remainderLow = 0;
    for (int i = 0; i < 64; i++) {
      remainderHigh = remainderHigh << 2 | remainderLow >>> 62;
      remainderLow = remainderLow << 2 | high >>> 62;
      high = high << 2 | low >>> 62;
      low <<= 2;
      long trialHigh = root >>> 62;
      long trialLow = root << 2 | 1;
      boolean fits =
          remainderHigh != trialHigh
              ? Long.compareUnsigned(remainderHigh, trialHigh) > 0
              : Long.compareUnsigned(remainderLow, trialLow) >= 0;
      root <<= 1;
      if (fits) {
        remainderHigh -= trialHigh + (Long.compareUnsigned(remainderLow, trialLow) < 0 ? 1 : 0);
        remainderLow -= trialLow;
        root |= 1;
      }
    }
    long rest = 0;
    if (remainderHigh != 0 || remainderLow != 0) {
      // One more digit decides the half: the remainder against root + 1/4.
      boolean half = remainderHigh != 0 || Long.compareUnsigned(remainderLow, root) > 0;
      rest = half ? Long.MIN_VALUE | 1 : 1;
    }
    round(false, exponent, root, rest, format, precision, to);
  }

  /** Rounds to an integral value of the same format. */
  public void roundToIntegral(Unpacked from, Unpacked to) {
    if (from.kind != Kind.FINITE || from.exponent >= 63) {
      to.copyOf(from);
      return;
    }
    long integer = integralMagnitude(from);
    if (integer == 0) {
      to.zero(from.negative);
      return;
    }
    int shift = Long.numberOfLeadingZeros(integer);
    to.finite(from.negative, 63 - shift, integer << shift);
  }

  /** Returns the magnitude rounded to an integer; the exponent must be below 63. */
  private long integralMagnitude(Unpacked from) {
    int dropped = 63 - from.exponent;
    long kept = dropped < 64 ? from.significand >>> dropped : 0;
    boolean half = dropped <= 64 && (from.significand >>> (dropped - 1) & 1) != 0;
    boolean rest =
        dropped > 64
            || (from.significand & (-1L >>> (64 - (dropped - 1))) & maskUnless1(dropped)) != 0;
    boolean inexact = half || rest;
    roundedUp = inexact && increments(from.negative, (kept & 1) != 0, half, rest);
    if (inexact) {
      flags |= INEXACT;
    }
    return roundedUp ? kept + 1 : kept;
  }

  private static long maskUnless1(int dropped) {
    return dropped == 1 ? 0 : -1L;
  }

  /**
   * Converts to a signed integer of {@code bits} bits.
   *
   * @return the integer; the most negative one, with INVALID, if it does not fit
   */
  public long toInteger(Unpacked from, int bits) {
    long indefinite = Long.MIN_VALUE >> (64 - bits);
    if (from.kind == Kind.ZERO) {
      return 0;
    }
    if (from.kind != Kind.FINITE || from.exponent > 63) {
      flags |= INVALID;
      return indefinite;
    }
    if (from.exponent == 63) {
      boolean minimum = from.negative && from.significand == Long.MIN_VALUE && bits == 64;
      if (!minimum) {
        flags |= INVALID;
      }
      return indefinite;
    }
    int before = flags;
    long magnitude = integralMagnitude(from);
    long limit = from.negative ? -indefinite : -(indefinite + 1);
    boolean fits = Long.compareUnsigned(magnitude, limit) <= 0;
    if (!fits) {
      flags = before | INVALID;
      roundedUp = false;
      return indefinite;
    }
    return from.negative ? -magnitude : magnitude;
  }

  /** Returns -1, 0 or 1; the operands must not be NaN. */
  public static int compare(Unpacked left, Unpacked right) {
    if (left.kind == Kind.ZERO && right.kind == Kind.ZERO) {
      return 0;
    }
    int leftSign = sign(left);
    int rightSign = sign(right);
    if (leftSign != rightSign) {
      return Integer.compare(leftSign, rightSign);
    }
    return leftSign * compareMagnitude(left, right);
  }

  private static int sign(Unpacked number) {
    return number.kind == Kind.ZERO ? 0 : number.negative ? -1 : 1;
  }

  private static int compareMagnitude(Unpacked left, Unpacked right) {
    if (left.kind == Kind.INFINITE || right.kind == Kind.INFINITE) {
      return Boolean.compare(left.kind == Kind.INFINITE, right.kind == Kind.INFINITE);
    }
    if (left.exponent != right.exponent) {
      return Integer.compare(left.exponent, right.exponent);
    }
    return Integer.signum(Long.compareUnsigned(left.significand, right.significand));
  }
}
