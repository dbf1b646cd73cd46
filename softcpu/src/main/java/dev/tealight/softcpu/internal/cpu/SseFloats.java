// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

import dev.tealight.softcpu.internal.fault.Vector;
import dev.tealight.softcpu.internal.fp.FloatMath;
import dev.tealight.softcpu.internal.fp.Format;
import dev.tealight.softcpu.internal.fp.Unpacked;

/**
 * SSE arithmetic on single lanes, given and returned as bits.
 *
 * <p>While MXCSR has its usual value (round to nearest, everything masked, and inexact already
 * reported) and operands and result are normal numbers, Java's own arithmetic gives the processor's
 * result. All else goes through {@link FloatMath}. Exceptions of all lanes accumulate; {@link
 * #commit} reports them, before the instruction writes anything.
 */
public final class SseFloats {
  /** Arithmetic with two operands. */
  public enum Operation {
    ADD,
    SUBTRACT,
    MULTIPLY,
    DIVIDE
  }

  private static final int DENORMALS_ARE_ZERO = 1 << 6;
  private static final int FLUSH_TO_ZERO = 1 << 15;
  private static final int MASK_SHIFT = 7;
  private static final int ALL_FLAGS = 0x3F;

  /** Exceptions that the operands alone decide. */
  private static final int BEFORE_COMPUTATION =
      FloatMath.INVALID | FloatMath.DENORMAL | FloatMath.ZERO_DIVIDE;

  /** All that must be so for Java's arithmetic to be enough. */
  private static final int PLAIN_MASK = 0xFFC0 | FloatMath.INEXACT;

  private static final int PLAIN = 0x1F80 | FloatMath.INEXACT;

  private final Cpu cpu;
  private final FloatMath math = new FloatMath();
  private final Unpacked left = new Unpacked();
  private final Unpacked right = new Unpacked();
  private final Unpacked result = new Unpacked();
  private int raised;

  SseFloats(Cpu cpu) {
    this.cpu = cpu;
  }

  /** Reports the exceptions of the instruction; throws if one of them is not masked. */
  public void commit() {
    if (raised == 0) {
      return;
    }
    int flags = raised;
    raised = 0;
    int mxcsr = cpu.sse.mxcsr;
    int unmasked = flags & ~(mxcsr >>> MASK_SHIFT) & ALL_FLAGS;
    if ((unmasked & BEFORE_COMPUTATION) != 0) {
      flags &= BEFORE_COMPUTATION; // the result was never computed
    }
    cpu.sse.mxcsr = mxcsr | flags;
    if (unmasked != 0) {
      boolean enabled = (cpu.system.cr4 & SystemRegisters.CR4_OSXMMEXCPT) != 0;
      throw cpu.fault.raise(enabled ? Vector.SIMD : Vector.UNDEFINED);
    }
  }

  private boolean isPlain() {
    return (cpu.sse.mxcsr & PLAIN_MASK) == PLAIN;
  }

  private static boolean isNormal64(long bits) {
    return ((bits >>> 52) + 1 & 0x7FF) > 1;
  }

  private static boolean isNormal32(int bits) {
    return ((bits >>> 23) + 1 & 0xFF) > 1;
  }

  public long arithmetic64(Operation operation, long a, long b) {
    if (isPlain()) {
      double x = Double.longBitsToDouble(a);
      double y = Double.longBitsToDouble(b);
      double r =
          switch (operation) {
            case ADD -> x + y;
            case SUBTRACT -> x - y;
            case MULTIPLY -> x * y;
            case DIVIDE -> x / y;
          };
      boolean operands = (isNormal64(a) || a << 1 == 0) && (isNormal64(b) || b << 1 == 0);
      long bits = Double.doubleToRawLongBits(r);
      if (operands && (isNormal64(bits) || (bits << 1 == 0 && zeroIsExact(operation, x, y)))) {
        return bits;
      }
    }
    return slow(operation, a, b, Format.DOUBLE);
  }

  public int arithmetic32(Operation operation, int a, int b) {
    if (isPlain()) {
      float x = Float.intBitsToFloat(a);
      float y = Float.intBitsToFloat(b);
      float r =
          switch (operation) {
            case ADD -> x + y;
            case SUBTRACT -> x - y;
            case MULTIPLY -> x * y;
            case DIVIDE -> x / y;
          };
      boolean operands = (isNormal32(a) || a << 1 == 0) && (isNormal32(b) || b << 1 == 0);
      int bits = Float.floatToRawIntBits(r);
      if (operands && (isNormal32(bits) || (bits << 1 == 0 && zeroIsExact(operation, x, y)))) {
        return bits;
      }
    }
    return (int) slow(operation, a, b, Format.SINGLE);
  }

  private static boolean zeroIsExact(Operation operation, double x, double y) {
    return switch (operation) {
      case ADD, SUBTRACT -> true;
      case MULTIPLY -> x == 0 || y == 0;
      case DIVIDE -> x == 0;
    };
  }

  private void prepare() {
    int mxcsr = cpu.sse.mxcsr;
    math.clearFlags();
    math.rounding = mxcsr >>> 13 & 3;
    math.flushToZero = (mxcsr & FLUSH_TO_ZERO) != 0;
    math.overflowUnmasked = (mxcsr >>> MASK_SHIFT & FloatMath.OVERFLOW) == 0;
    math.underflowUnmasked = (mxcsr >>> MASK_SHIFT & FloatMath.UNDERFLOW) == 0;
  }

  private void unpack(Format format, long bits, Unpacked to) {
    format.unpack(bits, to);
    if (to.denormal && (cpu.sse.mxcsr & DENORMALS_ARE_ZERO) != 0) {
      to.zero(to.negative);
    }
  }

  /** Makes {@link #result} the NaN among the operands, if there is one. */
  private boolean propagatesNan() {
    if (!left.isNan() && !right.isNan()) {
      return false;
    }
    boolean signaling =
        left.kind == Unpacked.Kind.SIGNALING_NAN || right.kind == Unpacked.Kind.SIGNALING_NAN;
    if (signaling) {
      math.raise(FloatMath.INVALID);
    }
    quiet(left.isNan() ? left : right);
    return true;
  }

  private void quiet(Unpacked nan) {
    result.copyOf(nan);
    result.kind = Unpacked.Kind.QUIET_NAN;
    result.significand |= 1L << 62;
  }

  private void flagDenormals() {
    if (left.denormal || right.denormal) {
      math.raise(FloatMath.DENORMAL);
    }
  }

  private long finish(Format format) {
    raised |= math.flags();
    return format.pack(result);
  }

  private long slow(Operation operation, long a, long b, Format format) {
    prepare();
    unpack(format, a, left);
    unpack(format, b, right);
    if (!propagatesNan()) {
      int precision = format.precision;
      switch (operation) {
        case ADD -> math.add(left, right, false, format, precision, result);
        case SUBTRACT -> math.add(left, right, true, format, precision, result);
        case MULTIPLY -> math.multiply(left, right, format, precision, result);
        case DIVIDE -> math.divide(left, right, format, precision, result);
      }
      if ((math.flags() & (FloatMath.INVALID | FloatMath.ZERO_DIVIDE)) == 0) {
        flagDenormals();
      }
    }
    return finish(format);
  }

  public long squareRoot(Format format, long bits) {
    if (format == Format.DOUBLE && bits > 0 && isNormal64(bits) && isPlain()) {
      return Double.doubleToRawLongBits(Math.sqrt(Double.longBitsToDouble(bits)));
    }
    prepare();
    unpack(format, bits, left);
    right.zero(false);
    if (!propagatesNan()) {
      math.squareRoot(left, format, format.precision, result);
      if ((math.flags() & FloatMath.INVALID) == 0) {
        flagDenormals();
      }
    }
    return finish(format);
  }

  /** Converts between single and double. */
  public long convert(Format from, Format to, long bits) {
    prepare();
    unpack(from, bits, left);
    right.zero(false);
    if (!propagatesNan()) {
      flagDenormals();
      math.convert(left, to, to.precision, result);
    } else {
      result.significand &= -1L << (64 - to.precision);
    }
    return finish(to);
  }

  public long fromInteger(Format to, long value) {
    prepare();
    left.integer(value);
    math.convert(left, to, to.precision, result);
    return finish(to);
  }

  /** Converts to a signed integer of 32 or 64 bits. */
  public long toInteger(Format from, long bits, int width, boolean truncate) {
    prepare();
    if (truncate) {
      math.rounding = FloatMath.TRUNCATE;
    }
    unpack(from, bits, left);
    long value = math.toInteger(left, width);
    raised |= math.flags();
    return value;
  }

  /** ROUNDPS and its relatives. */
  public long roundToIntegral(Format format, long bits, int control) {
    prepare();
    if ((control & 4) == 0) {
      math.rounding = control & 3;
    }
    unpack(format, bits, left);
    right.zero(false);
    if (!propagatesNan()) {
      math.roundToIntegral(left, result);
    }
    int kept = (control & 8) != 0 ? ~FloatMath.INEXACT : -1;
    raised |= math.flags() & kept;
    return format.pack(result);
  }

  /** MINPS, MAXPS and their relatives: the second operand wins unless the first is better. */
  public long select(Format format, long a, long b, boolean maximum) {
    prepare();
    unpack(format, a, left);
    unpack(format, b, right);
    boolean first = false;
    if (left.isNan() || right.isNan()) {
      math.raise(FloatMath.INVALID);
    } else {
      int order = FloatMath.compare(left, right);
      first = maximum ? order > 0 : order < 0;
      flagDenormals();
    }
    result.copyOf(first ? left : right);
    raised |= math.flags();
    boolean flushed = result.kind == Unpacked.Kind.ZERO;
    return flushed ? format.pack(result) : first ? a : b;
  }

  /** What a comparison found. */
  public static final int LESS = -1;

  public static final int EQUAL = 0;
  public static final int GREATER = 1;
  public static final int UNORDERED = 2;

  /**
   * Compares.
   *
   * @param signalsQuiet whether a quiet NaN is an invalid operand too
   */
  public int compare(Format format, long a, long b, boolean signalsQuiet) {
    prepare();
    unpack(format, a, left);
    unpack(format, b, right);
    int order = UNORDERED;
    if (left.isNan() || right.isNan()) {
      boolean signaling =
          left.kind == Unpacked.Kind.SIGNALING_NAN || right.kind == Unpacked.Kind.SIGNALING_NAN;
      if (signaling || signalsQuiet) {
        math.raise(FloatMath.INVALID);
      }
    } else {
      order = FloatMath.compare(left, right);
      flagDenormals();
    }
    raised |= math.flags();
    return order;
  }

  /** Compares two doubles into the six flags of RFLAGS, as UCOMISD and COMISD do. */
  public int compareDoubles(long a, long b, boolean signalsQuiet) {
    int order;
    if ((isNormal64(a) || a << 1 == 0) && (isNormal64(b) || b << 1 == 0)) {
      double x = Double.longBitsToDouble(a);
      double y = Double.longBitsToDouble(b);
      order = x < y ? LESS : x == y ? EQUAL : GREATER;
    } else {
      order = compare(Format.DOUBLE, a, b, signalsQuiet);
      commit();
    }
    return flags(order);
  }

  /** Returns the six flags of RFLAGS that report an order. */
  public static int flags(int order) {
    return switch (order) {
      case LESS -> Flags.CF;
      case EQUAL -> Flags.ZF;
      case GREATER -> 0;
      default -> Flags.ZF | Flags.PF | Flags.CF;
    };
  }

  /** CVTSI2SD. */
  public long integerToDouble(long value) {
    double converted = (double) value;
    if (isPlain() || ((long) converted == value && value != Long.MAX_VALUE)) {
      return Double.doubleToRawLongBits(converted);
    }
    long bits = fromInteger(Format.DOUBLE, value);
    commit();
    return bits;
  }

  /** CVTSD2SI and CVTTSD2SI, to a signed integer of 32 or 64 bits. */
  public long doubleToInteger(long bits, int width, boolean truncate) {
    if (truncate && isPlain() && isNormal64(bits)) {
      long value = (long) Double.longBitsToDouble(bits);
      boolean fits = width == 64 ? value + 1 > Long.MIN_VALUE + 1 : (int) value == value;
      if (fits) {
        return value;
      }
    }
    long value = toInteger(Format.DOUBLE, bits, width, truncate);
    commit();
    return value;
  }

  /** Returns whether predicate 0 to 7 of CMPPS and its relatives holds. */
  public boolean holds(Format format, long a, long b, int predicate) {
    int kind = predicate & 3;
    int order = compare(format, a, b, kind == 1 || kind == 2);
    boolean positive =
        switch (kind) {
          case 0 -> order == EQUAL;
          case 1 -> order == LESS;
          case 2 -> order == LESS || order == EQUAL;
          default -> order == UNORDERED;
        };
    return positive ^ (predicate & 4) != 0;
  }
}
