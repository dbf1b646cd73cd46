// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import static dev.tealight.softcpu.internal.op.Vectors.sourceHigh;
import static dev.tealight.softcpu.internal.op.Vectors.sourceLow;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Flags;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.Operation;

/** Packed integer arithmetic that is more than one operation per lane. */
public final class PackedIntegers {
  private PackedIntegers() {}

  // Shifts by a count: a count beyond the lane clears it, or fills it with the sign

  /** What a shift does to a lane. */
  public enum Shift {
    LEFT,
    RIGHT,
    RIGHT_SIGNED
  }

  /** Shifts the lanes of {@code value}. */
  public static long shift(long value, long count, int laneBits, Shift kind) {
    boolean beyond = count < 0 || count >= laneBits;
    if (beyond && kind != Shift.RIGHT_SIGNED) {
      return 0;
    }
    int bits = beyond ? laneBits - 1 : (int) count;
    long kept = keptBits(bits, laneBits, kind);
    if (kind == Shift.LEFT) {
      return value << bits & kept;
    }
    long shifted = value >>> bits & kept;
    if (kind == Shift.RIGHT) {
      return shifted;
    }
    long signs = value & firstBits(laneBits) << (laneBits - 1);
    return shifted | ((signs << 1) - (signs >>> bits));
  }

  /** Returns the bits of all lanes that do not come from a neighbour in a shift of 64 bits. */
  public static long keptBits(int bits, int laneBits, Shift kind) {
    long laneMask = -1L >>> (64 - laneBits);
    long kept = kind == Shift.LEFT ? laneMask << bits & laneMask : laneMask >>> bits;
    return kept * firstBits(laneBits);
  }

  private static long firstBits(int laneBits) {
    return switch (laneBits) {
      case 16 -> 0x0001_0001_0001_0001L;
      case 32 -> 0x0000_0001_0000_0001L;
      default -> 1;
    };
  }

  public static Operation shiftByRegister(int laneBits, Shift kind) {
    return (cpu, insn) -> {
      long count = sourceLow(cpu, insn);
      int dst = insn.dst();
      cpu.sse.set(
          dst,
          shift(cpu.sse.low(dst), count, laneBits, kind),
          shift(cpu.sse.high(dst), count, laneBits, kind));
    };
  }

  /** A shift of the first operand by an immediate. */
  public record ShiftByImmediate(int laneBits, Shift kind) implements Operation {
    @Override
    public void execute(Cpu cpu, Insn insn) {
      long count = insn.immediate() & 0xFF;
      int dst = insn.dst();
      cpu.sse.set(
          dst,
          shift(cpu.sse.low(dst), count, laneBits, kind),
          shift(cpu.sse.high(dst), count, laneBits, kind));
    }
  }

  public static Operation shiftByImmediate(int laneBits, Shift kind) {
    return new ShiftByImmediate(laneBits, kind);
  }

  public static Operation shiftMmxByImmediate(int laneBits, Shift kind) {
    return (cpu, insn) -> {
      long count = insn.immediate() & 0xFF;
      long value = cpu.fpu.mmx(insn.dst());
      Vectors.storeMmx(cpu, insn.dst(), shift(value, count, laneBits, kind));
    };
  }

  // Multiplication

  public static long pmuludq(long left, long right) {
    return (left & 0xFFFF_FFFFL) * (right & 0xFFFF_FFFFL);
  }

  public static long pmuldq(long left, long right) {
    return (long) (int) left * (int) right;
  }

  public static long pmaddwd(long left, long right) {
    return Lanes.ints(left, right, (a, b) -> (short) a * (short) b + (a >> 16) * (b >> 16));
  }

  public static long pmaddubsw(long left, long right) {
    return Lanes.words(
        left,
        right,
        (a, b) -> Lanes.clampShort((a & 0xFF) * (byte) b + (a >>> 8 & 0xFF) * (byte) (b >> 8)));
  }

  public static long psadbw(long left, long right) {
    long sum = 0;
    for (int i = 0; i < 64; i += 8) {
      sum += Math.abs((int) (left >>> i & 0xFF) - (int) (right >>> i & 0xFF));
    }
    return sum;
  }

  // Horizontal: neighbouring lanes of one operand are combined

  public static long horizontalWords(long value, java.util.function.IntBinaryOperator operation) {
    long low = operation.applyAsInt((short) value, (short) (value >>> 16)) & 0xFFFFL;
    long high = operation.applyAsInt((short) (value >>> 32), (short) (value >>> 48)) & 0xFFFFL;
    return low | high << 16;
  }

  public static long horizontalInts(long value, java.util.function.IntBinaryOperator operation) {
    return operation.applyAsInt((int) value, (int) (value >>> 32)) & 0xFFFF_FFFFL;
  }

  public static Operation horizontal(Shuffles.Packer half) {
    return Shuffles.pack(half);
  }

  // SSE4.1

  public static void phminposuw(Cpu cpu, Insn insn) {
    long low = sourceLow(cpu, insn);
    long high = sourceHigh(cpu, insn);
    int minimum = 0x1_0000;
    int place = 0;
    for (int i = 0; i < 8; i++) {
      int word = Lanes.word(i < 4 ? low : high, i & 3);
      if (word < minimum) {
        minimum = word;
        place = i;
      }
    }
    cpu.sse.set(insn.dst(), minimum | (long) place << 16, 0);
  }

  public static void mpsadbw(Cpu cpu, Insn insn) {
    int control = (int) insn.immediate();
    int sourceStart = (control & 3) * 4;
    int targetStart = (control >>> 2 & 1) * 4;
    long low = sourceLow(cpu, insn);
    long high = sourceHigh(cpu, insn);
    long dstLow = cpu.sse.low(insn.dst());
    long dstHigh = cpu.sse.high(insn.dst());
    long[] result = new long[2];
    for (int i = 0; i < 8; i++) {
      int sum = 0;
      for (int j = 0; j < 4; j++) {
        int a = byteOf(dstLow, dstHigh, targetStart + i + j);
        sum += Math.abs(a - byteOf(low, high, sourceStart + j));
      }
      result[i >>> 2] |= (long) sum << ((i & 3) * 16);
    }
    cpu.sse.set(insn.dst(), result[0], result[1]);
  }

  private static int byteOf(long low, long high, int index) {
    return (int) ((index < 8 ? low : high) >>> ((index & 7) * 8)) & 0xFF;
  }

  public static void ptest(Cpu cpu, Insn insn) {
    long low = sourceLow(cpu, insn);
    long high = sourceHigh(cpu, insn);
    long ownLow = cpu.sse.low(insn.dst());
    long ownHigh = cpu.sse.high(insn.dst());
    boolean zero = ((low & ownLow) | (high & ownHigh)) == 0;
    boolean carry = ((low & ~ownLow) | (high & ~ownHigh)) == 0;
    cpu.flags.arithmetic((zero ? Flags.ZF : 0) | (carry ? Flags.CF : 0));
  }

  /** PMOVSX and PMOVZX: lanes of {@code from} bits become lanes of {@code to} bits. */
  public static Operation extend(int from, int to, boolean signed) {
    int bytes = 16 * from / to;
    return (cpu, insn) -> {
      long value =
          insn.src() >= 0
              ? cpu.sse.low(insn.src())
              : cpu.memory.load(cpu.address(insn, bytes, false), bytes);
      int lanes = 64 / to;
      cpu.sse.set(
          insn.dst(),
          extendHalf(value, from, to, signed),
          extendHalf(value >>> (lanes * from), from, to, signed));
    };
  }

  private static long extendHalf(long value, int from, int to, boolean signed) {
    long result = 0;
    for (int i = 0; i * to < 64; i++) {
      long lane = value >>> (i * from);
      long wide = signed ? Cpu.signExtend(lane, from / 8) : Cpu.zeroExtend(lane, from / 8);
      result |= Cpu.zeroExtend(wide, to / 8) << (i * to);
    }
    return result;
  }
}
