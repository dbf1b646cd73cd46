// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.fp;

/**
 * A floating-point number taken apart, of any format.
 *
 * <p>A finite number is {@code ±significand × 2^(exponent - 63)} with the top bit of the
 * significand set, also where its format would hold it denormalised.
 */
public final class Unpacked {
  /** What kind of number it is. */
  public enum Kind {
    ZERO,
    FINITE,
    INFINITE,
    QUIET_NAN,
    SIGNALING_NAN
  }

  public Kind kind = Kind.ZERO;
  public boolean negative;
  public int exponent;

  /** Of a NaN: its payload, left-aligned, with the integer bit set. */
  public long significand;

  /** It was an encoding that the processor does not support. */
  public boolean unsupported;

  /** It was held denormalised. */
  public boolean denormal;

  public boolean isNan() {
    return kind == Kind.QUIET_NAN || kind == Kind.SIGNALING_NAN;
  }

  public Unpacked copyOf(Unpacked other) {
    kind = other.kind;
    negative = other.negative;
    exponent = other.exponent;
    significand = other.significand;
    denormal = other.denormal;
    unsupported = other.unsupported;
    return this;
  }

  public Unpacked zero(boolean sign) {
    kind = Kind.ZERO;
    negative = sign;
    exponent = 0;
    significand = 0;
    denormal = false;
    unsupported = false;
    return this;
  }

  public Unpacked infinite(boolean sign) {
    kind = Kind.INFINITE;
    negative = sign;
    significand = Long.MIN_VALUE;
    denormal = false;
    unsupported = false;
    return this;
  }

  /** The "real indefinite": what an invalid operation gives. */
  public Unpacked indefinite() {
    kind = Kind.QUIET_NAN;
    negative = true;
    significand = 0xC000_0000_0000_0000L;
    denormal = false;
    unsupported = false;
    return this;
  }

  public Unpacked finite(boolean sign, int exponentOfTop, long topAligned) {
    kind = Kind.FINITE;
    negative = sign;
    exponent = exponentOfTop;
    significand = topAligned;
    denormal = false;
    unsupported = false;
    return this;
  }

  /** Sets the value of a signed integer, exactly. */
  public Unpacked integer(long value) {
    if (value == 0) {
      return zero(false);
    }
    long magnitude = value < 0 ? -value : value;
    int shift = Long.numberOfLeadingZeros(magnitude);
    return finite(value < 0, 63 - shift, magnitude << shift);
  }
}
