// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.X87;
import dev.tealight.softcpu.internal.fp.FloatMath;
import dev.tealight.softcpu.internal.fp.Format;
import dev.tealight.softcpu.internal.fp.Unpacked;
import java.util.function.DoubleUnaryOperator;

/**
 * x87 trigonometry, logarithms and powers, computed in double precision: 53 good bits of 64.
 *
 * <p>Results far outside the range of doubles are infinite or zero.
 */
public final class X87Transcendental {
  private static final double LN2 = 0.6931471805599453;

  /** Beyond 2^63 the processor leaves trigonometric operands alone and sets C2. */
  private static final int TRIGONOMETRIC_LIMIT = 63;

  private X87Transcendental() {}

  private static double toDouble(Unpacked number, Unpacked scratch) {
    FloatMath nearest = new FloatMath();
    nearest.convert(number, Format.DOUBLE, 53, scratch);
    return Double.longBitsToDouble(Format.DOUBLE.pack(scratch));
  }

  private static void fromDouble(X87 x87, double value) {
    if (Double.isNaN(value)) {
      x87.math.raise(FloatMath.INVALID);
      x87.result.indefinite();
      return;
    }
    Format.DOUBLE.unpack(Double.doubleToRawLongBits(value), x87.result);
    if (x87.result.kind == Unpacked.Kind.FINITE) {
      x87.result.denormal = false;
      x87.math.raise(FloatMath.INEXACT);
    }
  }

  public static void fsin(Cpu cpu, Insn insn) {
    trigonometric(cpu, Math::sin);
  }

  public static void fcos(Cpu cpu, Insn insn) {
    trigonometric(cpu, Math::cos);
  }

  private static void trigonometric(Cpu cpu, DoubleUnaryOperator function) {
    if (outOfRange(cpu)) {
      return;
    }
    X87Arithmetic.unary(
        cpu,
        x87 -> {
          x87.flagDenormal(x87.left);
          fromDouble(x87, function.applyAsDouble(toDouble(x87.left, x87.result)));
        });
  }

  /** Sets C2 as the operand demands. */
  private static boolean outOfRange(Cpu cpu) {
    X87 x87 = cpu.x87;
    x87.raisePending();
    cpu.fpu.status &= ~X87.C2;
    x87.read(0, x87.left);
    boolean large =
        !cpu.fpu.isEmpty(0)
            && x87.left.kind == Unpacked.Kind.FINITE
            && x87.left.exponent >= TRIGONOMETRIC_LIMIT;
    if (large) {
      cpu.fpu.status |= X87.C2;
    }
    return large;
  }

  /** FSINCOS: the sine replaces ST(0), the cosine is pushed. */
  public static void fsincos(Cpu cpu, Insn insn) {
    if (outOfRange(cpu)) {
      return;
    }
    boolean empty = cpu.fpu.isEmpty(0);
    double value = toDouble(cpu.x87.left, cpu.x87.result);
    boolean nan = cpu.x87.left.isNan();
    fsin(cpu, insn);
    X87 x87 = cpu.x87;
    if (x87.blocked()) {
      return;
    }
    if (empty || nan || Double.isInfinite(value)) {
      x87.read(0, x87.result);
    } else {
      fromDouble(x87, Math.cos(value));
    }
    x87.push(x87.result);
  }

  /** FPTAN: the tangent replaces ST(0), 1 is pushed. */
  public static void fptan(Cpu cpu, Insn insn) {
    if (outOfRange(cpu)) {
      return;
    }
    boolean nan = cpu.x87.left.isNan() || cpu.x87.left.kind == Unpacked.Kind.INFINITE;
    boolean empty = cpu.fpu.isEmpty(0);
    trigonometric(cpu, Math::tan);
    X87 x87 = cpu.x87;
    if (x87.blocked()) {
      return;
    }
    if (nan || empty) {
      x87.read(0, x87.result);
    } else {
      x87.result.integer(1);
    }
    x87.push(x87.result);
  }

  public static void f2xm1(Cpu cpu, Insn insn) {
    X87Arithmetic.unary(
        cpu,
        x87 -> {
          x87.flagDenormal(x87.left);
          double value = toDouble(x87.left, x87.result);
          fromDouble(x87, Math.expm1(value * LN2));
        });
  }

  /** What two operands, ST(0) and ST(1), give. */
  @FunctionalInterface
  private interface Binary {
    double apply(double top, double below);
  }

  /** Computes into ST(1) and pops. */
  private static void binary(Cpu cpu, Binary function) {
    X87 x87 = cpu.x87;
    x87.raisePending();
    x87.begin();
    if (x87.present(0) && x87.present(1)) {
      x87.read(0, x87.left);
      x87.read(1, x87.right);
      if (!x87.propagatesNan()) {
        double top = toDouble(x87.left, x87.result);
        double below = toDouble(x87.right, x87.result);
        fromDouble(x87, function.apply(top, below));
        if (Double.isFinite(top) && top == 0 && x87.result.kind == Unpacked.Kind.INFINITE) {
          x87.math.raise(FloatMath.ZERO_DIVIDE);
        }
      }
      x87.end();
    } else {
      x87.result.indefinite();
    }
    x87.store(1);
    x87.popUnlessBlocked(1);
  }

  public static void fyl2x(Cpu cpu, Insn insn) {
    binary(cpu, (x, y) -> y * (Math.log(x) / LN2));
  }

  public static void fyl2xp1(Cpu cpu, Insn insn) {
    binary(cpu, (x, y) -> y * (Math.log1p(x) / LN2));
  }

  public static void fpatan(Cpu cpu, Insn insn) {
    binary(cpu, (x, y) -> Math.atan2(y, x));
  }
}
