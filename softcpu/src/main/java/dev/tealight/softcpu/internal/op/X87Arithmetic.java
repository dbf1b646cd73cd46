// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Flags;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.Operation;
import dev.tealight.softcpu.internal.cpu.X87;
import dev.tealight.softcpu.internal.fp.FloatMath;
import dev.tealight.softcpu.internal.fp.Format;
import dev.tealight.softcpu.internal.fp.Unpacked;

/** x87 arithmetic and comparisons. */
public final class X87Arithmetic {
  private X87Arithmetic() {}

  /** How a memory operand is held. */
  public enum Memory {
    SINGLE,
    DOUBLE,
    INT16,
    INT32
  }

  /** Reads a memory operand of an arithmetic instruction. */
  static void readMemory(Cpu cpu, Insn insn, Memory memory, Unpacked to) {
    switch (memory) {
      case SINGLE -> Format.SINGLE.unpack(cpu.load(insn, 4), to);
      case DOUBLE -> Format.DOUBLE.unpack(cpu.load(insn, 8), to);
      case INT16 -> to.integer(cpu.load(insn, 2));
      case INT32 -> to.integer(cpu.load(insn, 4));
    }
  }

  /** ST(0) = ST(0) operation memory. */
  public static Operation withMemory(X87.Arithmetic operation, Memory memory) {
    return (cpu, insn) -> {
      X87 x87 = cpu.x87;
      x87.raisePending();
      readMemory(cpu, insn, memory, x87.right);
      x87.begin();
      if (x87.present(0)) {
        x87.read(0, x87.left);
        x87.compute(operation);
        x87.end();
      } else {
        x87.result.indefinite();
      }
      x87.store(0);
    };
  }

  /** ST(0) = ST(0) operation ST(i). */
  public static Operation toTop(X87.Arithmetic operation) {
    return (cpu, insn) -> between(cpu, operation, 0, insn.dst());
  }

  /** ST(i) = ST(i) operation ST(0). */
  public static Operation toRegister(X87.Arithmetic operation) {
    return (cpu, insn) -> between(cpu, operation, insn.dst(), 0);
  }

  /** ST(i) = ST(i) operation ST(0), then pop. */
  public static Operation toRegisterAndPop(X87.Arithmetic operation) {
    return (cpu, insn) -> {
      between(cpu, operation, insn.dst(), 0);
      cpu.x87.popUnlessBlocked(1);
    };
  }

  private static void between(Cpu cpu, X87.Arithmetic operation, int target, int other) {
    X87 x87 = cpu.x87;
    x87.raisePending();
    x87.begin();
    if (x87.present(target) && x87.present(other)) {
      x87.read(target, x87.left);
      x87.read(other, x87.right);
      x87.compute(operation);
      x87.end();
    } else {
      x87.result.indefinite();
    }
    x87.store(target);
  }

  // Comparisons

  private static final int UNORDERED = X87.C3 | X87.C2 | X87.C0;

  /** FCOM, FICOM with memory, popping or not. */
  public static Operation compareMemory(Memory memory, int pops) {
    return (cpu, insn) -> {
      X87 x87 = cpu.x87;
      x87.raisePending();
      readMemory(cpu, insn, memory, x87.right);
      x87.begin();
      x87.conditions(x87.present(0) ? compareTop(x87, true) : UNORDERED);
      x87.popUnlessBlocked(pops);
    };
  }

  /** Compares ST(0) with what is in {@code right}. */
  private static int compareTop(X87 x87, boolean signalsQuiet) {
    x87.read(0, x87.left);
    int conditions = x87.compare(signalsQuiet);
    x87.end();
    return conditions;
  }

  private static int compare(Cpu cpu, int index, boolean signalsQuiet) {
    X87 x87 = cpu.x87;
    x87.raisePending();
    x87.begin();
    if (!x87.present(0) || !x87.present(index)) {
      return UNORDERED;
    }
    x87.read(index, x87.right);
    return compareTop(x87, signalsQuiet);
  }

  /** FCOM, FUCOM with ST(i), popping up to twice. */
  public static Operation compareRegister(boolean signalsQuiet, int pops) {
    return (cpu, insn) -> {
      int index = insn.dst() >= 0 ? insn.dst() : 1;
      cpu.x87.conditions(compare(cpu, index, signalsQuiet));
      cpu.x87.popUnlessBlocked(pops);
    };
  }

  /** FCOMI, FUCOMI: the result goes to RFLAGS. */
  public static Operation compareToFlags(boolean signalsQuiet, int pops) {
    return (cpu, insn) -> {
      int oldC1 = cpu.fpu.status & X87.C1;
      int conditions = compare(cpu, insn.dst(), signalsQuiet);
      if (!cpu.fpu.isEmpty(0) && !cpu.fpu.isEmpty(insn.dst())) {
        cpu.fpu.status |= oldC1; // only a stack fault clears it
      }
      cpu.flags.arithmetic(
          ((conditions & X87.C3) != 0 ? Flags.ZF : 0)
              | ((conditions & X87.C2) != 0 ? Flags.PF : 0)
              | ((conditions & X87.C0) != 0 ? Flags.CF : 0));
      cpu.x87.popUnlessBlocked(pops);
    };
  }

  public static void ftst(Cpu cpu, Insn insn) {
    X87 x87 = cpu.x87;
    x87.raisePending();
    x87.begin();
    x87.right.zero(false);
    x87.conditions(x87.present(0) ? compareTop(x87, true) : UNORDERED);
  }

  /** FXAM: what ST(0) is. */
  public static void fxam(Cpu cpu, Insn insn) {
    X87 x87 = cpu.x87;
    x87.raisePending();
    int physical = cpu.fpu.physical(0);
    int exponent = cpu.fpu.exponents[physical];
    long significand = cpu.fpu.significands[physical];
    boolean unsupported = (exponent & 0x7FFF) != 0 && significand >= 0;
    Format.unpackExtended(exponent, significand, x87.left);
    int kind;
    if (cpu.fpu.isEmpty(0)) {
      kind = X87.C3 | X87.C0;
    } else if (unsupported) {
      kind = 0;
    } else {
      kind =
          switch (x87.left.kind) {
            case ZERO -> X87.C3;
            case INFINITE -> X87.C2 | X87.C0;
            case QUIET_NAN, SIGNALING_NAN -> X87.C0;
            case FINITE -> x87.left.denormal ? X87.C3 | X87.C2 : X87.C2;
          };
    }
    x87.conditions(kind);
    cpu.fpu.status &= ~X87.C1;
    if ((exponent & 0x8000) != 0) {
      cpu.fpu.status |= X87.C1;
    }
  }

  // One operand

  /** Something computed from ST(0) into ST(0). */
  @FunctionalInterface
  interface Unary {
    void compute(X87 x87);
  }

  /** Applies {@code unary} to ST(0), which is in {@code left}; NaNs pass through. */
  static void unary(Cpu cpu, Unary unary) {
    X87 x87 = cpu.x87;
    x87.raisePending();
    x87.begin();
    if (x87.present(0)) {
      x87.read(0, x87.left);
      x87.right.zero(false);
      if (!x87.propagatesNan()) {
        unary.compute(x87);
      }
      x87.end();
    } else {
      x87.result.indefinite();
    }
    x87.store(0);
  }

  public static void fsqrt(Cpu cpu, Insn insn) {
    unary(
        cpu,
        x87 -> {
          x87.math.squareRoot(x87.left, Format.EXTENDED, x87.precision(), x87.result);
          if ((x87.math.flags() & FloatMath.INVALID) == 0) {
            x87.flagDenormal(x87.left);
          }
        });
  }

  public static void frndint(Cpu cpu, Insn insn) {
    unary(
        cpu,
        x87 -> {
          x87.flagDenormal(x87.left);
          x87.math.roundToIntegral(x87.left, x87.result);
        });
  }

  public static void fchs(Cpu cpu, Insn insn) {
    changeSign(cpu, 0x8000, 0);
  }

  public static void fabs(Cpu cpu, Insn insn) {
    changeSign(cpu, 0, 0x8000);
  }

  private static void changeSign(Cpu cpu, int flip, int clear) {
    X87 x87 = cpu.x87;
    x87.raisePending();
    cpu.fpu.status &= ~X87.C1;
    if (x87.present(0)) {
      int physical = cpu.fpu.physical(0);
      cpu.fpu.exponents[physical] = (cpu.fpu.exponents[physical] ^ flip) & ~clear;
    } else {
      x87.result.indefinite();
      x87.store(0);
    }
  }

  /** FSCALE: adds the integer part of ST(1) to the exponent of ST(0). */
  public static void fscale(Cpu cpu, Insn insn) {
    X87 x87 = cpu.x87;
    x87.raisePending();
    x87.begin();
    if (x87.present(0) && x87.present(1)) {
      x87.read(0, x87.left);
      x87.read(1, x87.right);
      if (!x87.propagatesNan()) {
        scale(x87);
      }
      x87.end();
    } else {
      x87.result.indefinite();
    }
    x87.store(0);
  }

  private static void scale(X87 x87) {
    Unpacked value = x87.left;
    Unpacked power = x87.right;
    x87.flagDenormal(value);
    x87.flagDenormal(power);
    if (power.kind == Unpacked.Kind.INFINITE) {
      boolean invalid =
          power.negative ? value.kind == Unpacked.Kind.INFINITE : value.kind == Unpacked.Kind.ZERO;
      if (invalid) {
        x87.math.raise(FloatMath.INVALID);
        x87.result.indefinite();
      } else if (power.negative) {
        x87.result.zero(value.negative);
      } else {
        x87.result.infinite(value.negative);
      }
      return;
    }
    if (value.kind != Unpacked.Kind.FINITE) {
      x87.result.copyOf(value);
      return;
    }
    int distance = integerPart(power);
    x87.math.round(
        value.negative,
        value.exponent + distance,
        value.significand,
        0,
        Format.EXTENDED,
        64,
        x87.result);
  }

  /** Returns the integer part, cut to a range beyond which every exponent over- or underflows. */
  private static int integerPart(Unpacked number) {
    if (number.kind == Unpacked.Kind.ZERO || number.exponent < 0) {
      return 0;
    }
    int magnitude =
        number.exponent > 16 ? 0x1_0000 : (int) (number.significand >>> (63 - number.exponent));
    return number.negative ? -magnitude : magnitude;
  }

  /** FXTRACT: ST(0) becomes the exponent, then the significand is pushed. */
  public static void fxtract(Cpu cpu, Insn insn) {
    X87 x87 = cpu.x87;
    x87.raisePending();
    x87.begin();
    if (!x87.present(0)) {
      x87.result.indefinite();
      x87.store(0);
      x87.pushIndefinite();
      return;
    }
    if (!x87.hasRoom()) {
      x87.push(); // reports the fault
      x87.store(1); // the indefinite value, as in ST(0)
      return;
    }
    x87.read(0, x87.left);
    x87.right.zero(false);
    Unpacked significand = x87.right;
    if (x87.propagatesNan()) {
      significand.copyOf(x87.result);
    } else {
      extract(x87, significand);
    }
    x87.end();
    x87.store(0);
    if (!x87.blocked()) {
      x87.push(significand);
    }
  }

  private static void extract(X87 x87, Unpacked significand) {
    switch (x87.left.kind) {
      case ZERO -> {
        x87.math.raise(FloatMath.ZERO_DIVIDE);
        x87.result.infinite(true);
        significand.zero(x87.left.negative);
      }
      case INFINITE -> {
        x87.result.infinite(false);
        significand.infinite(x87.left.negative);
      }
      default -> {
        x87.flagDenormal(x87.left);
        x87.result.integer(x87.left.exponent);
        significand.finite(x87.left.negative, 0, x87.left.significand);
      }
    }
  }

  /** FPREM: the quotient is truncated. */
  public static void fprem(Cpu cpu, Insn insn) {
    remainder(cpu, false);
  }

  /** FPREM1: the quotient is rounded to nearest. */
  public static void fprem1(Cpu cpu, Insn insn) {
    remainder(cpu, true);
  }

  private static void remainder(Cpu cpu, boolean nearest) {
    X87 x87 = cpu.x87;
    x87.raisePending();
    x87.begin();
    if (!x87.present(0) || !x87.present(1)) {
      cpu.fpu.status &= ~X87.C2;
      x87.result.indefinite();
      x87.store(0);
      return;
    }
    x87.read(0, x87.left);
    x87.read(1, x87.right);
    boolean nan = x87.propagatesNan();
    int conditions = nan ? 0 : X87Remainder.compute(x87, nearest);
    x87.end();
    x87.store(0);
    if ((x87.math.flags() & FloatMath.INVALID) != 0 || nan || x87.blocked()) {
      cpu.fpu.status &= ~X87.C2;
      return;
    }
    cpu.fpu.status &= ~X87.C1;
    x87.conditions(conditions & ~X87.C1);
    cpu.fpu.status |= conditions & X87.C1;
  }
}
