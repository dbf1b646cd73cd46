// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import static dev.tealight.softcpu.internal.op.Vectors.source32;
import static dev.tealight.softcpu.internal.op.Vectors.source64;
import static dev.tealight.softcpu.internal.op.Vectors.sourceHigh;
import static dev.tealight.softcpu.internal.op.Vectors.sourceLow;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.Operation;
import dev.tealight.softcpu.internal.cpu.SseFloats;
import dev.tealight.softcpu.internal.fp.Format;

/** Floating-point arithmetic and comparisons of SSE to SSE4.1. */
public final class SseArithmetic {
  private SseArithmetic() {}

  /** An operation on one lane of two operands; above 32-bit lanes there may be anything. */
  @FunctionalInterface
  public interface Lane {
    long apply(SseFloats floats, long left, long right);
  }

  private static long pair32(SseFloats floats, Lane lane, long left, long right) {
    long low = lane.apply(floats, left, right) & 0xFFFF_FFFFL;
    return low | lane.apply(floats, left >>> 32, right >>> 32) << 32;
  }

  /** Four single lanes. */
  public static Operation packedSingle(Lane lane) {
    return (cpu, insn) -> {
      int dst = insn.dst();
      long low = sourceLow(cpu, insn);
      long high = sourceHigh(cpu, insn);
      long newLow = pair32(cpu.floats, lane, cpu.sse.low(dst), low);
      long newHigh = pair32(cpu.floats, lane, cpu.sse.high(dst), high);
      cpu.floats.commit();
      cpu.sse.set(dst, newLow, newHigh);
    };
  }

  /** Two double lanes. */
  public record PackedDouble(Lane lane) implements Operation {
    @Override
    public void execute(Cpu cpu, Insn insn) {
      int dst = insn.dst();
      long low = sourceLow(cpu, insn);
      long high = sourceHigh(cpu, insn);
      long newLow = lane.apply(cpu.floats, cpu.sse.low(dst), low);
      long newHigh = lane.apply(cpu.floats, cpu.sse.high(dst), high);
      cpu.floats.commit();
      cpu.sse.set(dst, newLow, newHigh);
    }
  }

  public static Operation packedDouble(Lane lane) {
    return new PackedDouble(lane);
  }

  /** The lowest single lane. */
  public record ScalarSingle(Lane lane) implements Operation {
    @Override
    public void execute(Cpu cpu, Insn insn) {
      int right = source32(cpu, insn);
      long value = lane.apply(cpu.floats, cpu.sse.low(insn.dst()), right);
      cpu.floats.commit();
      cpu.sse.low32(insn.dst(), (int) value);
    }
  }

  public static Operation scalarSingle(Lane lane) {
    return new ScalarSingle(lane);
  }

  /** The lower double lane. */
  public record ScalarDouble(Lane lane) implements Operation {
    @Override
    public void execute(Cpu cpu, Insn insn) {
      long right = source64(cpu, insn);
      long value = lane.apply(cpu.floats, cpu.sse.low(insn.dst()), right);
      cpu.floats.commit();
      cpu.sse.low(insn.dst(), value);
    }
  }

  public static Operation scalarDouble(Lane lane) {
    return new ScalarDouble(lane);
  }

  // Comparisons into flags

  public static Operation compareSingle(boolean signalsQuiet) {
    return (cpu, insn) -> {
      int right = source32(cpu, insn);
      int left = (int) cpu.sse.low(insn.dst());
      int order = cpu.floats.compare(Format.SINGLE, left, right, signalsQuiet);
      cpu.floats.commit();
      cpu.flags.arithmetic(SseFloats.flags(order));
    };
  }

  public static Operation compareDouble(boolean signalsQuiet) {
    return (cpu, insn) -> {
      long right = source64(cpu, insn);
      long left = cpu.sse.low(insn.dst());
      cpu.flags.arithmetic(cpu.floats.compareDoubles(left, right, signalsQuiet));
    };
  }

  // Comparisons into masks

  public static void cmpps(Cpu cpu, Insn insn) {
    int predicate = (int) insn.immediate() & 7;
    packedSingle((f, a, b) -> f.holds(Format.SINGLE, a, b, predicate) ? -1 : 0).execute(cpu, insn);
  }

  public static void cmppd(Cpu cpu, Insn insn) {
    int predicate = (int) insn.immediate() & 7;
    packedDouble((f, a, b) -> f.holds(Format.DOUBLE, a, b, predicate) ? -1 : 0).execute(cpu, insn);
  }

  public static void cmpss(Cpu cpu, Insn insn) {
    int predicate = (int) insn.immediate() & 7;
    scalarSingle((f, a, b) -> f.holds(Format.SINGLE, a, b, predicate) ? -1 : 0).execute(cpu, insn);
  }

  public static void cmpsd(Cpu cpu, Insn insn) {
    int predicate = (int) insn.immediate() & 7;
    scalarDouble((f, a, b) -> f.holds(Format.DOUBLE, a, b, predicate) ? -1 : 0).execute(cpu, insn);
  }

  // Rounding

  public static void roundps(Cpu cpu, Insn insn) {
    int control = (int) insn.immediate();
    packedSingle((f, a, b) -> f.roundToIntegral(Format.SINGLE, b, control)).execute(cpu, insn);
  }

  public static void roundpd(Cpu cpu, Insn insn) {
    int control = (int) insn.immediate();
    packedDouble((f, a, b) -> f.roundToIntegral(Format.DOUBLE, b, control)).execute(cpu, insn);
  }

  public static void roundss(Cpu cpu, Insn insn) {
    int control = (int) insn.immediate();
    scalarSingle((f, a, b) -> f.roundToIntegral(Format.SINGLE, b, control)).execute(cpu, insn);
  }

  public static void roundsd(Cpu cpu, Insn insn) {
    int control = (int) insn.immediate();
    scalarDouble((f, a, b) -> f.roundToIntegral(Format.DOUBLE, b, control)).execute(cpu, insn);
  }

  // Across lanes

  private static final SseFloats.Operation ADD = SseFloats.Operation.ADD;
  private static final SseFloats.Operation SUBTRACT = SseFloats.Operation.SUBTRACT;
  private static final SseFloats.Operation MULTIPLY = SseFloats.Operation.MULTIPLY;

  public static void addsubps(Cpu cpu, Insn insn) {
    int dst = insn.dst();
    long low = addSubPair(cpu, cpu.sse.low(dst), sourceLow(cpu, insn));
    long high = addSubPair(cpu, cpu.sse.high(dst), sourceHigh(cpu, insn));
    cpu.floats.commit();
    cpu.sse.set(dst, low, high);
  }

  private static long addSubPair(Cpu cpu, long a, long b) {
    long low = cpu.floats.arithmetic32(SUBTRACT, (int) a, (int) b) & 0xFFFF_FFFFL;
    int high = cpu.floats.arithmetic32(ADD, (int) (a >>> 32), (int) (b >>> 32));
    return low | (long) high << 32;
  }

  public static void addsubpd(Cpu cpu, Insn insn) {
    int dst = insn.dst();
    long right = sourceLow(cpu, insn);
    long rightHigh = sourceHigh(cpu, insn);
    long low = cpu.floats.arithmetic64(SUBTRACT, cpu.sse.low(dst), right);
    long high = cpu.floats.arithmetic64(ADD, cpu.sse.high(dst), rightHigh);
    cpu.floats.commit();
    cpu.sse.set(dst, low, high);
  }

  /** HADDPS, HSUBPS. */
  public static Operation horizontalSingle(SseFloats.Operation operation) {
    return (cpu, insn) -> {
      int dst = insn.dst();
      long low = sourceLow(cpu, insn);
      long high = sourceHigh(cpu, insn);
      long newLow =
          within(cpu, operation, cpu.sse.low(dst))
              | within(cpu, operation, cpu.sse.high(dst)) << 32;
      long newHigh = within(cpu, operation, low) | within(cpu, operation, high) << 32;
      cpu.floats.commit();
      cpu.sse.set(dst, newLow, newHigh);
    };
  }

  private static long within(Cpu cpu, SseFloats.Operation operation, long pair) {
    return cpu.floats.arithmetic32(operation, (int) pair, (int) (pair >>> 32)) & 0xFFFF_FFFFL;
  }

  /** HADDPD, HSUBPD. */
  public static Operation horizontalDouble(SseFloats.Operation operation) {
    return (cpu, insn) -> {
      int dst = insn.dst();
      long low = sourceLow(cpu, insn);
      long high = sourceHigh(cpu, insn);
      long newLow = cpu.floats.arithmetic64(operation, cpu.sse.low(dst), cpu.sse.high(dst));
      long newHigh = cpu.floats.arithmetic64(operation, low, high);
      cpu.floats.commit();
      cpu.sse.set(dst, newLow, newHigh);
    };
  }

  // Dot products: each step raises its exceptions before the next one

  public static void dpps(Cpu cpu, Insn insn) {
    int control = (int) insn.immediate();
    int dst = insn.dst();
    long low = sourceLow(cpu, insn);
    long high = sourceHigh(cpu, insn);
    int p0 = product(cpu, control, 4, (int) cpu.sse.low(dst), (int) low);
    int p1 = product(cpu, control, 5, cpu.sse.lane32(dst, 1), (int) (low >>> 32));
    int p2 = product(cpu, control, 6, (int) cpu.sse.high(dst), (int) high);
    int p3 = product(cpu, control, 7, cpu.sse.lane32(dst, 3), (int) (high >>> 32));
    cpu.floats.commit();
    int first = cpu.floats.arithmetic32(ADD, p0, p1);
    int second = cpu.floats.arithmetic32(ADD, p2, p3);
    cpu.floats.commit();
    int sum = cpu.floats.arithmetic32(ADD, first, second);
    cpu.floats.commit();
    for (int lane = 0; lane < 4; lane++) {
      cpu.sse.lane32(dst, lane, (control >>> lane & 1) != 0 ? sum : 0);
    }
  }

  private static int product(Cpu cpu, int control, int bit, int a, int b) {
    return (control >>> bit & 1) != 0 ? cpu.floats.arithmetic32(MULTIPLY, a, b) : 0;
  }

  public static void dppd(Cpu cpu, Insn insn) {
    int control = (int) insn.immediate();
    int dst = insn.dst();
    long low = sourceLow(cpu, insn);
    long high = sourceHigh(cpu, insn);
    long p0 = (control & 16) != 0 ? cpu.floats.arithmetic64(MULTIPLY, cpu.sse.low(dst), low) : 0;
    long p1 = (control & 32) != 0 ? cpu.floats.arithmetic64(MULTIPLY, cpu.sse.high(dst), high) : 0;
    cpu.floats.commit();
    long sum = cpu.floats.arithmetic64(ADD, p0, p1);
    cpu.floats.commit();
    cpu.sse.set(dst, (control & 1) != 0 ? sum : 0, (control & 2) != 0 ? sum : 0);
  }

  // Approximations: single precision, better than the processor's 12 bits; no exceptions

  public static long reciprocal(SseFloats floats, long left, long right) {
    return Float.floatToRawIntBits(1 / flushed((int) right));
  }

  public static long reciprocalRoot(SseFloats floats, long left, long right) {
    float value = flushed((int) right);
    if (value < 0) {
      return 0xFFFF_FFFF_FFC0_0000L;
    }
    return Float.floatToRawIntBits((float) (1 / Math.sqrt(value)));
  }

  private static float flushed(int bits) {
    boolean tiny = (bits & 0x7F80_0000) == 0;
    return Float.intBitsToFloat(tiny ? bits & 0x8000_0000 : bits);
  }
}
