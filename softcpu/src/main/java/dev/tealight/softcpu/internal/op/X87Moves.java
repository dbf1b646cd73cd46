// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Fpu;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.Operation;
import dev.tealight.softcpu.internal.cpu.X87;
import dev.tealight.softcpu.internal.fp.FloatMath;
import dev.tealight.softcpu.internal.fp.Format;
import dev.tealight.softcpu.internal.fp.Unpacked;

/** x87 loads, stores, constants and stack handling. */
public final class X87Moves {
  private static final long INDEFINITE = 0xC000_0000_0000_0000L;
  private static final int TOO_LARGE_FOR_DECIMAL = 60;

  private X87Moves() {}

  // Loads

  public static Operation loadFloat(Format format) {
    int bytes = format == Format.SINGLE ? 4 : 8;
    return (cpu, insn) -> {
      X87 x87 = cpu.x87;
      x87.raisePending();
      format.unpack(cpu.load(insn, bytes), x87.left);
      x87.begin();
      x87.right.zero(false);
      if (!x87.propagatesNan()) {
        x87.flagDenormal(x87.left);
        x87.result.copyOf(x87.left);
      }
      if (!x87.hasRoom()) {
        x87.push(); // reports the fault
        return;
      }
      x87.end();
      boolean denormalAtMost = (x87.math.flags() & FloatMath.INVALID) == 0;
      if (denormalAtMost || !x87.blocked()) { // an unmasked denormal is loaded all the same
        x87.push(x87.result);
      }
    };
  }

  public static Operation loadInteger(int bytes) {
    return (cpu, insn) -> {
      cpu.x87.raisePending();
      cpu.x87.left.integer(cpu.load(insn, bytes));
      cpu.x87.push(cpu.x87.left);
    };
  }

  public static void fldExtended(Cpu cpu, Insn insn) {
    cpu.x87.raisePending();
    long address = cpu.address(insn, 10, false);
    long significand = cpu.memory.loadLong(address);
    int exponent = cpu.memory.loadShort(address + 8) & 0xFFFF;
    cpu.fpu.status &= ~X87.C1;
    if (cpu.x87.push()) {
      cpu.x87.write(0, exponent, significand);
    }
  }

  public static void fldRegister(Cpu cpu, Insn insn) {
    X87 x87 = cpu.x87;
    x87.raisePending();
    cpu.fpu.status &= ~X87.C1;
    if (!x87.present(insn.dst())) {
      x87.pushIndefinite();
      return;
    }
    int physical = cpu.fpu.physical(insn.dst());
    int exponent = cpu.fpu.exponents[physical];
    long significand = cpu.fpu.significands[physical];
    if (x87.push()) {
      x87.write(0, exponent, significand);
    }
  }

  /** FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ: rounded as the rounding mode asks. */
  public static Operation constant(int exponent, long significand, int below) {
    return (cpu, insn) -> {
      X87 x87 = cpu.x87;
      x87.raisePending();
      if (significand == 0) {
        x87.push(x87.result.zero(false));
        return;
      }
      x87.begin();
      long low = below == 0 ? 0 : below > 0 ? Long.MIN_VALUE | 1 : 1;
      x87.math.round(false, exponent, significand, low, Format.EXTENDED, 64, x87.result);
      x87.push(x87.result);
    };
  }

  // Stores

  public static Operation storeFloat(Format format, boolean pops) {
    int bytes = format == Format.SINGLE ? 4 : 8;
    return (cpu, insn) -> {
      X87 x87 = cpu.x87;
      x87.raisePending();
      long address = cpu.address(insn, bytes, true);
      cpu.memory.requireWritable(address, bytes);
      x87.beginStore();
      boolean present = !cpu.fpu.isEmpty(0);
      if (present) {
        x87.read(0, x87.left);
        x87.right.zero(false);
        if (x87.propagatesNan()) {
          x87.result.significand &= -1L << (64 - format.precision);
        } else {
          x87.math.convert(x87.left, format, format.precision, x87.result);
        }
      } else {
        x87.result.indefinite();
      }
      if (x87.mayStore(present)) {
        cpu.memory.store(address, bytes, format.pack(x87.result));
      }
      x87.endStore(present, pops);
    };
  }

  public static Operation storeInteger(int bytes, boolean pops, boolean truncate) {
    return (cpu, insn) -> {
      X87 x87 = cpu.x87;
      x87.raisePending();
      long address = cpu.address(insn, bytes, true);
      cpu.memory.requireWritable(address, bytes);
      x87.begin();
      if (truncate) {
        x87.math.rounding = FloatMath.TRUNCATE;
      }
      boolean present = !cpu.fpu.isEmpty(0);
      long value = Long.MIN_VALUE >> (64 - 8 * bytes);
      if (present) {
        x87.read(0, x87.left);
        value = x87.math.toInteger(x87.left, 8 * bytes);
      }
      if (x87.mayStore(present)) {
        cpu.memory.store(address, bytes, value);
      }
      x87.endStore(present, pops);
    };
  }

  public static void fstpExtended(Cpu cpu, Insn insn) {
    X87 x87 = cpu.x87;
    x87.raisePending();
    long address = cpu.address(insn, 10, true);
    cpu.memory.requireWritable(address, 10);
    x87.begin();
    boolean present = !cpu.fpu.isEmpty(0);
    if (x87.mayStore(present)) {
      int physical = cpu.fpu.physical(0);
      cpu.memory.storeLong(address, present ? cpu.fpu.significands[physical] : INDEFINITE);
      int exponent = present ? cpu.fpu.exponents[physical] : 0xFFFF;
      cpu.memory.storeShort(address + 8, (short) exponent);
    }
    x87.endStore(present, true);
  }

  public static Operation storeRegister(boolean pops) {
    return (cpu, insn) -> {
      X87 x87 = cpu.x87;
      x87.raisePending();
      cpu.fpu.status &= ~X87.C1;
      if (x87.present(0)) {
        int physical = cpu.fpu.physical(0);
        x87.write(insn.dst(), cpu.fpu.exponents[physical], cpu.fpu.significands[physical]);
      } else {
        x87.result.indefinite();
        x87.store(insn.dst());
      }
      x87.popUnlessBlocked(pops ? 1 : 0);
    };
  }

  // Packed decimal: 18 digits and a sign in 10 bytes

  public static void fbld(Cpu cpu, Insn insn) {
    cpu.x87.raisePending();
    long address = cpu.address(insn, 10, false);
    long digits = cpu.memory.loadLong(address);
    int last = cpu.memory.loadShort(address + 8);
    long value = 0;
    value = value * 10 + (last >>> 4 & 15);
    value = value * 10 + (last & 15);
    for (int shift = 60; shift >= 0; shift -= 4) {
      value = value * 10 + (digits >>> shift & 15);
    }
    Unpacked number = cpu.x87.left.integer(value);
    number.negative = (last & 0x8000) != 0;
    cpu.x87.push(number);
  }

  public static void fbstp(Cpu cpu, Insn insn) {
    X87 x87 = cpu.x87;
    x87.raisePending();
    long address = cpu.address(insn, 10, true);
    cpu.memory.requireWritable(address, 10);
    x87.begin();
    boolean present = !cpu.fpu.isEmpty(0);
    long digits = INDEFINITE;
    int last = 0xFFFF;
    if (present) {
      x87.read(0, x87.left);
      boolean large =
          x87.left.kind == Unpacked.Kind.FINITE && x87.left.exponent > TOO_LARGE_FOR_DECIMAL;
      long value = large ? Long.MIN_VALUE : x87.math.toInteger(x87.left, 64);
      if (Math.abs(value) >= 1_000_000_000_000_000_000L || value == Long.MIN_VALUE) {
        x87.math.clearFlags();
        x87.math.raise(FloatMath.INVALID);
      } else {
        long rest = Math.abs(value);
        digits = 0;
        for (int shift = 0; shift < 64; shift += 4) {
          digits |= rest % 10 << shift;
          rest /= 10;
        }
        last = (int) (rest % 10 | (rest / 10) << 4) | (x87.left.negative ? 0x8000 : 0);
      }
    }
    if (x87.mayStore(present)) {
      cpu.memory.storeLong(address, digits);
      cpu.memory.storeShort(address + 8, (short) last);
    }
    x87.endStore(present, true);
  }

  // Stack

  public static void fxch(Cpu cpu, Insn insn) {
    X87 x87 = cpu.x87;
    x87.raisePending();
    Fpu fpu = cpu.fpu;
    fpu.status &= ~X87.C1;
    int index = insn.dst();
    x87.result.indefinite();
    if (!x87.present(0)) {
      x87.store(0);
    }
    if (!x87.present(index)) {
      x87.store(index);
    }
    if (x87.blocked()) {
      return;
    }
    int top = fpu.physical(0);
    int other = fpu.physical(index);
    int exponent = fpu.exponents[top];
    long significand = fpu.significands[top];
    fpu.exponents[top] = fpu.exponents[other];
    fpu.significands[top] = fpu.significands[other];
    fpu.exponents[other] = exponent;
    fpu.significands[other] = significand;
  }

  /** FCMOVcc: {@code code} is a condition as in Jcc. */
  public static Operation conditional(int code) {
    return (cpu, insn) -> {
      X87 x87 = cpu.x87;
      x87.raisePending();
      if (!x87.present(0) || !x87.present(insn.dst())) {
        x87.result.indefinite();
        x87.store(0);
      } else if (cpu.flags.condition(code)) {
        int physical = cpu.fpu.physical(insn.dst());
        x87.write(0, cpu.fpu.exponents[physical], cpu.fpu.significands[physical]);
      }
    };
  }

  public static void ffree(Cpu cpu, Insn insn) {
    cpu.x87.raisePending();
    cpu.fpu.status &= ~X87.C1;
    cpu.fpu.used &= ~(1 << cpu.fpu.physical(insn.dst()));
  }

  public static void ffreep(Cpu cpu, Insn insn) {
    ffree(cpu, insn);
    cpu.x87.pop();
  }

  public static void fincstp(Cpu cpu, Insn insn) {
    cpu.x87.raisePending();
    cpu.fpu.top = cpu.fpu.top + 1 & 7;
    cpu.fpu.status &= ~X87.C1;
  }

  public static void fdecstp(Cpu cpu, Insn insn) {
    cpu.x87.raisePending();
    cpu.fpu.top = cpu.fpu.top - 1 & 7;
    cpu.fpu.status &= ~X87.C1;
  }
}
