// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.fp;

/** The three binary formats, with packing and unpacking. */
public enum Format {
  SINGLE(24, -126, 127),
  DOUBLE(53, -1022, 1023),
  EXTENDED(64, -16382, 16383);

  /** Bits of the significand, the integer bit included. */
  public final int precision;

  /** Exponents of normal numbers. */
  public final int minExponent;

  public final int maxExponent;

  Format(int precision, int minExponent, int maxExponent) {
    this.precision = precision;
    this.minExponent = minExponent;
    this.maxExponent = maxExponent;
  }

  /** Takes apart an IEEE single or double. */
  public void unpack(long bits, Unpacked to) {
    int fractionBits = precision - 1;
    int width = this == SINGLE ? 32 : 64;
    long fraction = bits & (1L << fractionBits) - 1;
    int exponentMask = (1 << (width - precision)) - 1;
    int biased = (int) (bits >>> fractionBits) & exponentMask;
    boolean negative = (bits >>> (width - 1) & 1) != 0;
    long aligned = fraction << (64 - precision);
    if (biased == exponentMask) {
      unpackSpecial(aligned, fraction == 0, negative, to);
    } else if (biased != 0) {
      to.finite(negative, biased - maxExponent, aligned | Long.MIN_VALUE);
    } else if (fraction == 0) {
      to.zero(negative);
    } else {
      int shift = Long.numberOfLeadingZeros(aligned);
      to.finite(negative, minExponent - shift, aligned << shift);
      to.denormal = true;
    }
  }

  private static void unpackSpecial(long aligned, boolean infinite, boolean negative, Unpacked to) {
    if (infinite) {
      to.infinite(negative);
      return;
    }
    boolean quiet = (aligned & 1L << 62) != 0;
    to.kind = quiet ? Unpacked.Kind.QUIET_NAN : Unpacked.Kind.SIGNALING_NAN;
    to.negative = negative;
    to.significand = aligned | Long.MIN_VALUE;
    to.denormal = false;
    to.unsupported = false;
  }

  /** Puts together an IEEE single or double; the number must fit the format exactly. */
  public long pack(Unpacked from) {
    int fractionBits = precision - 1;
    int width = this == SINGLE ? 32 : 64;
    long sign = from.negative ? 1L << (width - 1) : 0;
    long exponentMask = (1L << (width - precision)) - 1;
    long fraction = from.significand << 1 >>> (64 - fractionBits);
    return sign
        | switch (from.kind) {
          case ZERO -> 0;
          case INFINITE -> exponentMask << fractionBits;
          case QUIET_NAN, SIGNALING_NAN -> exponentMask << fractionBits | fraction;
          case FINITE -> {
            if (from.exponent >= minExponent) {
              yield (long) (from.exponent + maxExponent) << fractionBits | fraction;
            }
            int shift = 64 - precision + minExponent - from.exponent;
            yield shift > 63 ? 0 : from.significand >>> shift;
          }
        };
  }

  /**
   * Takes apart an 80-bit number. An encoding that the processor does not support (integer bit
   * clear with a normal exponent) becomes a signaling NaN.
   *
   * @param signExponent sign in bit 15, biased exponent below
   */
  public static void unpackExtended(int signExponent, long significand, Unpacked to) {
    boolean negative = (signExponent & 0x8000) != 0;
    int biased = signExponent & 0x7FFF;
    if (biased == 0x7FFF) {
      if (significand >= 0) {
        unsupported(to);
      } else {
        unpackSpecial(significand << 1 >>> 1, significand == Long.MIN_VALUE, negative, to);
      }
    } else if (biased == 0) {
      if (significand == 0) {
        to.zero(negative);
      } else {
        int shift = Long.numberOfLeadingZeros(significand);
        to.finite(negative, EXTENDED.minExponent - shift, significand << shift);
        to.denormal = true;
      }
    } else if (significand >= 0) {
      unsupported(to);
    } else {
      to.finite(negative, biased - EXTENDED.maxExponent, significand);
    }
  }

  private static void unsupported(Unpacked to) {
    to.indefinite();
    to.kind = Unpacked.Kind.SIGNALING_NAN;
    to.unsupported = true;
  }

  /** Returns sign and biased exponent of an 80-bit number. */
  public static int packExtendedExponent(Unpacked from) {
    int sign = from.negative ? 0x8000 : 0;
    return sign
        | switch (from.kind) {
          case ZERO -> 0;
          case INFINITE, QUIET_NAN, SIGNALING_NAN -> 0x7FFF;
          case FINITE ->
              from.exponent < EXTENDED.minExponent ? 0 : from.exponent + EXTENDED.maxExponent;
        };
  }

  /** Returns the significand of an 80-bit number. */
  public static long packExtendedSignificand(Unpacked from) {
    if (from.kind != Unpacked.Kind.FINITE || from.exponent >= EXTENDED.minExponent) {
      return from.significand;
    }
    int shift = EXTENDED.minExponent - from.exponent;
    return shift > 63 ? 0 : from.significand >>> shift;
  }
}
