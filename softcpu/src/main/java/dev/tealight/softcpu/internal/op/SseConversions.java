// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import static dev.tealight.softcpu.internal.op.Vectors.source32;
import static dev.tealight.softcpu.internal.op.Vectors.source64;
import static dev.tealight.softcpu.internal.op.Vectors.sourceHigh;
import static dev.tealight.softcpu.internal.op.Vectors.sourceLow;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.Operation;
import dev.tealight.softcpu.internal.fp.Format;

/** Conversions between singles, doubles and integers. */
public final class SseConversions {
  private SseConversions() {}

  // Scalars

  public static void cvtsi2ss(Cpu cpu, Insn insn) {
    long value = cpu.floats.fromInteger(Format.SINGLE, cpu.readSrc(insn));
    cpu.floats.commit();
    cpu.sse.low32(insn.dst(), (int) value);
  }

  public static void cvtsi2sd(Cpu cpu, Insn insn) {
    cpu.sse.low(insn.dst(), cpu.floats.integerToDouble(cpu.readSrc(insn)));
  }

  /** CVTSS2SI, CVTTSS2SI. */
  public static Operation singleToInteger(boolean truncate) {
    return (cpu, insn) -> {
      int bits = source32(cpu, insn);
      long value = cpu.floats.toInteger(Format.SINGLE, bits, insn.size() * 8, truncate);
      cpu.floats.commit();
      cpu.writeDst(insn, value);
    };
  }

  /** CVTSD2SI, CVTTSD2SI. */
  public static Operation doubleToInteger(boolean truncate) {
    return (cpu, insn) -> {
      long bits = source64(cpu, insn);
      cpu.writeDst(insn, cpu.floats.doubleToInteger(bits, insn.size() * 8, truncate));
    };
  }

  public static void cvtss2sd(Cpu cpu, Insn insn) {
    long value = cpu.floats.convert(Format.SINGLE, Format.DOUBLE, source32(cpu, insn));
    cpu.floats.commit();
    cpu.sse.low(insn.dst(), value);
  }

  public static void cvtsd2ss(Cpu cpu, Insn insn) {
    long value = cpu.floats.convert(Format.DOUBLE, Format.SINGLE, source64(cpu, insn));
    cpu.floats.commit();
    cpu.sse.low32(insn.dst(), (int) value);
  }

  // Packed

  private static long lowInt(long pair) {
    return (int) pair;
  }

  private static long pair(long low, long high) {
    return (low & 0xFFFF_FFFFL) | high << 32;
  }

  public static void cvtps2pd(Cpu cpu, Insn insn) {
    long source = source64(cpu, insn);
    long low = cpu.floats.convert(Format.SINGLE, Format.DOUBLE, source);
    long high = cpu.floats.convert(Format.SINGLE, Format.DOUBLE, source >> 32);
    cpu.floats.commit();
    cpu.sse.set(insn.dst(), low, high);
  }

  public static void cvtpd2ps(Cpu cpu, Insn insn) {
    long first = sourceLow(cpu, insn);
    long second = sourceHigh(cpu, insn);
    long low = cpu.floats.convert(Format.DOUBLE, Format.SINGLE, first);
    long high = cpu.floats.convert(Format.DOUBLE, Format.SINGLE, second);
    cpu.floats.commit();
    cpu.sse.set(insn.dst(), pair(low, high), 0);
  }

  private static long intsToSingles(Cpu cpu, long ints) {
    return pair(
        cpu.floats.fromInteger(Format.SINGLE, lowInt(ints)),
        cpu.floats.fromInteger(Format.SINGLE, ints >> 32));
  }

  private static long singlesToInts(Cpu cpu, long singles, boolean truncate) {
    return pair(
        cpu.floats.toInteger(Format.SINGLE, singles, 32, truncate),
        cpu.floats.toInteger(Format.SINGLE, singles >>> 32, 32, truncate));
  }

  /** Sets a register to two integers as doubles, which is always exact. */
  private static void intsToDoubles(Cpu cpu, int register, long ints) {
    cpu.sse.set(
        register,
        cpu.floats.fromInteger(Format.DOUBLE, lowInt(ints)),
        cpu.floats.fromInteger(Format.DOUBLE, ints >> 32));
  }

  private static long doublesToInts(Cpu cpu, Insn insn, boolean truncate) {
    long first = sourceLow(cpu, insn);
    long second = sourceHigh(cpu, insn);
    long low = cpu.floats.toInteger(Format.DOUBLE, first, 32, truncate);
    long high = cpu.floats.toInteger(Format.DOUBLE, second, 32, truncate);
    cpu.floats.commit();
    return pair(low, high);
  }

  public static void cvtdq2ps(Cpu cpu, Insn insn) {
    long low = intsToSingles(cpu, sourceLow(cpu, insn));
    long high = intsToSingles(cpu, sourceHigh(cpu, insn));
    cpu.floats.commit();
    cpu.sse.set(insn.dst(), low, high);
  }

  /** CVTPS2DQ, CVTTPS2DQ. */
  public static Operation singlesToIntegers(boolean truncate) {
    return (cpu, insn) -> {
      long low = singlesToInts(cpu, sourceLow(cpu, insn), truncate);
      long high = singlesToInts(cpu, sourceHigh(cpu, insn), truncate);
      cpu.floats.commit();
      cpu.sse.set(insn.dst(), low, high);
    };
  }

  public static void cvtdq2pd(Cpu cpu, Insn insn) {
    intsToDoubles(cpu, insn.dst(), source64(cpu, insn));
  }

  /** CVTPD2DQ, CVTTPD2DQ. */
  public static Operation doublesToIntegers(boolean truncate) {
    return (cpu, insn) -> {
      cpu.sse.set(insn.dst(), doublesToInts(cpu, insn, truncate), 0);
    };
  }

  // With MMX registers

  public static void cvtpi2ps(Cpu cpu, Insn insn) {
    long source = Vectors.mmxSource(cpu, insn);
    long value = intsToSingles(cpu, source);
    cpu.floats.commit();
    enterMmxUnlessMemory(cpu, insn);
    cpu.sse.low(insn.dst(), value);
  }

  public static void cvtpi2pd(Cpu cpu, Insn insn) {
    long source = Vectors.mmxSource(cpu, insn);
    enterMmxUnlessMemory(cpu, insn);
    intsToDoubles(cpu, insn.dst(), source);
  }

  private static void enterMmxUnlessMemory(Cpu cpu, Insn insn) {
    if (insn.src() >= 0) {
      cpu.fpu.enterMmx();
    }
  }

  /** CVTPS2PI, CVTTPS2PI. */
  public static Operation singlesToMmx(boolean truncate) {
    return (cpu, insn) -> {
      long value = singlesToInts(cpu, source64(cpu, insn), truncate);
      cpu.floats.commit();
      Vectors.storeMmx(cpu, insn.dst(), value);
    };
  }

  /** CVTPD2PI, CVTTPD2PI. */
  public static Operation doublesToMmx(boolean truncate) {
    return (cpu, insn) -> {
      Vectors.storeMmx(cpu, insn.dst(), doublesToInts(cpu, insn, truncate));
    };
  }
}
