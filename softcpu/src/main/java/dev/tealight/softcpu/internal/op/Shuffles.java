// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import static dev.tealight.softcpu.internal.op.Vectors.mmxSource;
import static dev.tealight.softcpu.internal.op.Vectors.sourceHigh;
import static dev.tealight.softcpu.internal.op.Vectors.sourceLow;
import static dev.tealight.softcpu.internal.op.Vectors.storeMmx;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.Operation;

/** Instructions that move lanes about: unpack, pack, shuffle, align, blend. */
public final class Shuffles {
  private Shuffles() {}

  // Unpacking: lanes of the two operands alternate

  /** Interleaves the low 32 bits of both. */
  public static long interleave(long left, long right, int laneBits) {
    long mask = (1L << laneBits) - 1;
    long result = 0;
    for (int i = 0; i * laneBits < 32; i++) {
      result |= (left >>> (i * laneBits) & mask) << (2 * i * laneBits);
      result |= (right >>> (i * laneBits) & mask) << ((2 * i + 1) * laneBits);
    }
    return result;
  }

  /** PUNPCKLBW, PUNPCKLWD, PUNPCKLDQ. */
  public static Operation unpackLow(int laneBits) {
    return (cpu, insn) -> {
      long left = cpu.sse.low(insn.dst());
      long right = sourceLow(cpu, insn);
      cpu.sse.set(
          insn.dst(),
          interleave(left, right, laneBits),
          interleave(left >>> 32, right >>> 32, laneBits));
    };
  }

  /** PUNPCKHBW, PUNPCKHWD, PUNPCKHDQ. */
  public static Operation unpackHigh(int laneBits) {
    return (cpu, insn) -> {
      long left = cpu.sse.high(insn.dst());
      long right = sourceHigh(cpu, insn);
      cpu.sse.set(
          insn.dst(),
          interleave(left, right, laneBits),
          interleave(left >>> 32, right >>> 32, laneBits));
    };
  }

  /** The MMX form reads only 4 bytes of memory. */
  public static Operation unpackLowMmx(int laneBits) {
    return (cpu, insn) -> {
      long right =
          insn.src() >= 0
              ? cpu.fpu.mmx(insn.src())
              : cpu.memory.loadInt(cpu.address(insn, 4, false));
      storeMmx(cpu, insn.dst(), interleave(cpu.fpu.mmx(insn.dst()), right, laneBits));
    };
  }

  public static Operation unpackHighMmx(int laneBits) {
    return Vectors.mmx((left, right) -> interleave(left >>> 32, right >>> 32, laneBits));
  }

  public static void punpcklqdq(Cpu cpu, Insn insn) {
    cpu.sse.high(insn.dst(), sourceLow(cpu, insn));
  }

  public static void punpckhqdq(Cpu cpu, Insn insn) {
    cpu.sse.set(insn.dst(), cpu.sse.high(insn.dst()), sourceHigh(cpu, insn));
  }

  // Packing: lanes become half as wide, saturated

  @FunctionalInterface
  public interface Packer {
    /** Packs the lanes of 64 bits into the low 32. */
    long pack(long value);
  }

  private static long packWords(long value, java.util.function.IntUnaryOperator clamp) {
    long result = 0;
    for (int i = 0; i < 4; i++) {
      result |= (clamp.applyAsInt((short) (value >>> (16 * i))) & 0xFFL) << (8 * i);
    }
    return result;
  }

  private static long packInts(long value, java.util.function.IntUnaryOperator clamp) {
    long low = clamp.applyAsInt((int) value) & 0xFFFFL;
    return low | (clamp.applyAsInt((int) (value >>> 32)) & 0xFFFFL) << 16;
  }

  public static long packsswb(long value) {
    return packWords(value, Lanes::clampByte);
  }

  public static long packuswb(long value) {
    return packWords(value, Lanes::clampUnsignedByte);
  }

  public static long packssdw(long value) {
    return packInts(value, Lanes::clampShort);
  }

  public static long packusdw(long value) {
    return packInts(value, Lanes::clampUnsignedShort);
  }

  public static Operation pack(Packer packer) {
    return (cpu, insn) -> {
      long low = sourceLow(cpu, insn);
      long high = sourceHigh(cpu, insn);
      int dst = insn.dst();
      long ownLow = packer.pack(cpu.sse.low(dst)) | packer.pack(cpu.sse.high(dst)) << 32;
      cpu.sse.set(dst, ownLow, packer.pack(low) | packer.pack(high) << 32);
    };
  }

  public static Operation packMmx(Packer packer) {
    return Vectors.mmx((left, right) -> packer.pack(left) | packer.pack(right) << 32);
  }

  // Shuffling by an immediate

  private static long shuffleWords(long value, int control) {
    long result = 0;
    for (int i = 0; i < 4; i++) {
      result |= (value >>> (16 * (control >>> (2 * i) & 3)) & 0xFFFF) << (16 * i);
    }
    return result;
  }

  public static void pshufw(Cpu cpu, Insn insn) {
    storeMmx(cpu, insn.dst(), shuffleWords(mmxSource(cpu, insn), (int) insn.immediate()));
  }

  public static void pshuflw(Cpu cpu, Insn insn) {
    long low = sourceLow(cpu, insn);
    long high = sourceHigh(cpu, insn);
    cpu.sse.set(insn.dst(), shuffleWords(low, (int) insn.immediate()), high);
  }

  public static void pshufhw(Cpu cpu, Insn insn) {
    long low = sourceLow(cpu, insn);
    long high = sourceHigh(cpu, insn);
    cpu.sse.set(insn.dst(), low, shuffleWords(high, (int) insn.immediate()));
  }

  private static long lane32(long low, long high, int lane) {
    return (lane < 2 ? low : high) >>> ((lane & 1) * 32) & 0xFFFF_FFFFL;
  }

  private static long twoLanes(long low, long high, int control) {
    return lane32(low, high, control & 3) | lane32(low, high, control >>> 2 & 3) << 32;
  }

  public static void pshufd(Cpu cpu, Insn insn) {
    long low = sourceLow(cpu, insn);
    long high = sourceHigh(cpu, insn);
    int control = (int) insn.immediate();
    cpu.sse.set(insn.dst(), twoLanes(low, high, control), twoLanes(low, high, control >>> 4));
  }

  public static void shufps(Cpu cpu, Insn insn) {
    long low = sourceLow(cpu, insn);
    long high = sourceHigh(cpu, insn);
    int control = (int) insn.immediate();
    int dst = insn.dst();
    long first = twoLanes(cpu.sse.low(dst), cpu.sse.high(dst), control);
    cpu.sse.set(dst, first, twoLanes(low, high, control >>> 4));
  }

  public static void shufpd(Cpu cpu, Insn insn) {
    long low = sourceLow(cpu, insn);
    long high = sourceHigh(cpu, insn);
    int control = (int) insn.immediate();
    int dst = insn.dst();
    long first = (control & 1) == 0 ? cpu.sse.low(dst) : cpu.sse.high(dst);
    cpu.sse.set(dst, first, (control & 2) == 0 ? low : high);
  }

  // Shuffling by a register

  private static long shuffleBytes(long low, long high, long control, int laneMask) {
    long result = 0;
    for (int i = 0; i < 64; i += 8) {
      int select = (int) (control >>> i) & 0xFF;
      if (select < 0x80) {
        int lane = select & laneMask;
        result |= ((lane < 8 ? low : high) >>> ((lane & 7) * 8) & 0xFF) << i;
      }
    }
    return result;
  }

  public static void pshufb(Cpu cpu, Insn insn) {
    long controlLow = sourceLow(cpu, insn);
    long controlHigh = sourceHigh(cpu, insn);
    long low = cpu.sse.low(insn.dst());
    long high = cpu.sse.high(insn.dst());
    cpu.sse.set(
        insn.dst(),
        shuffleBytes(low, high, controlLow, 15),
        shuffleBytes(low, high, controlHigh, 15));
  }

  public static long pshufbMmx(long value, long control) {
    return shuffleBytes(value, 0, control, 7);
  }

  public static void palignr(Cpu cpu, Insn insn) {
    long low = sourceLow(cpu, insn);
    long high = sourceHigh(cpu, insn);
    int bytes = (int) insn.immediate() & 0xFF;
    long dstLow = cpu.sse.low(insn.dst());
    long dstHigh = cpu.sse.high(insn.dst());
    cpu.sse.set(
        insn.dst(),
        eightBytes(low, high, dstLow, dstHigh, bytes),
        eightBytes(low, high, dstLow, dstHigh, bytes + 8));
  }

  /** Returns 8 bytes from a place in four longs, lowest first; zeros behind them. */
  private static long eightBytes(long a, long b, long c, long d, int start) {
    int word = start >>> 3;
    int shift = (start & 7) * 8;
    long low = pick(a, b, c, d, word);
    return shift == 0 ? low : low >>> shift | pick(a, b, c, d, word + 1) << (64 - shift);
  }

  private static long pick(long a, long b, long c, long d, int index) {
    return switch (index) {
      case 0 -> a;
      case 1 -> b;
      case 2 -> c;
      case 3 -> d;
      default -> 0;
    };
  }

  public static void palignrMmx(Cpu cpu, Insn insn) {
    int bytes = (int) insn.immediate() & 0xFF;
    long low = mmxSource(cpu, insn);
    long result = eightBytes(low, cpu.fpu.mmx(insn.dst()), 0, 0, bytes);
    storeMmx(cpu, insn.dst(), result);
  }

  // Whole-register byte shifts

  public static void pslldq(Cpu cpu, Insn insn) {
    int bytes = Math.min((int) insn.immediate() & 0xFF, 16);
    long low = cpu.sse.low(insn.dst());
    long high = cpu.sse.high(insn.dst());
    cpu.sse.set(
        insn.dst(),
        eightBytes(0, 0, low, high, 16 - bytes),
        eightBytes(0, 0, low, high, 24 - bytes));
  }

  public static void psrldq(Cpu cpu, Insn insn) {
    int bytes = Math.min((int) insn.immediate() & 0xFF, 16);
    long low = cpu.sse.low(insn.dst());
    long high = cpu.sse.high(insn.dst());
    cpu.sse.set(
        insn.dst(), eightBytes(low, high, 0, 0, bytes), eightBytes(low, high, 0, 0, bytes + 8));
  }

  // Blending: a mask of bytes selects the second operand

  private static void blend(Cpu cpu, Insn insn, long maskLow, long maskHigh) {
    long low = sourceLow(cpu, insn);
    long high = sourceHigh(cpu, insn);
    int dst = insn.dst();
    cpu.sse.set(
        dst,
        (cpu.sse.low(dst) & ~maskLow) | (low & maskLow),
        (cpu.sse.high(dst) & ~maskHigh) | (high & maskHigh));
  }

  /** Spreads bit i of {@code bits} over lane i. */
  private static long spread(int bits, int laneBits) {
    long lane = -1L >>> (64 - laneBits);
    long result = 0;
    for (int i = 0; i * laneBits < 64; i++) {
      if ((bits >>> i & 1) != 0) {
        result |= lane << (i * laneBits);
      }
    }
    return result;
  }

  /** BLENDPS, BLENDPD, PBLENDW: a bit of the immediate per lane. */
  public static Operation blendImmediate(int laneBits) {
    int lanesPerHalf = 64 / laneBits;
    return (cpu, insn) -> {
      int control = (int) insn.immediate();
      blend(cpu, insn, spread(control, laneBits), spread(control >>> lanesPerHalf, laneBits));
    };
  }

  private static long spreadTopBits(long value, int laneBits) {
    long result = 0;
    for (int i = laneBits; i <= 64; i += laneBits) {
      if ((value >>> (i - 1) & 1) != 0) {
        result |= (-1L >>> (64 - laneBits)) << (i - laneBits);
      }
    }
    return result;
  }

  /** BLENDVPS, BLENDVPD, PBLENDVB: the top bit of each lane of XMM0. */
  public static Operation blendVariable(int laneBits) {
    return (cpu, insn) ->
        blend(
            cpu,
            insn,
            spreadTopBits(cpu.sse.low(0), laneBits),
            spreadTopBits(cpu.sse.high(0), laneBits));
  }
}
