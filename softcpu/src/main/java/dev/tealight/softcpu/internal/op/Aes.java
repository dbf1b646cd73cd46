// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import static dev.tealight.softcpu.internal.op.Vectors.sourceHigh;
import static dev.tealight.softcpu.internal.op.Vectors.sourceLow;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Insn;

/** AES-NI (FIPS 197) and carry-less multiplication. */
public final class Aes {
  private static final byte[] SBOX = new byte[256];
  private static final byte[] INVERSE_SBOX = new byte[256];

  static {
    // p runs through the powers of 3, q through their inverses.
    int p = 1;
    int q = 1;
    do {
      p ^= p << 1 ^ ((p & 0x80) != 0 ? 0x11B : 0);
      p &= 0xFF;
      q ^= q << 1;
      q ^= q << 2;
      q ^= q << 4;
      q &= 0xFF;
      if ((q & 0x80) != 0) {
        q ^= 0x09;
      }
      int spread = q ^ rotate(q, 1) ^ rotate(q, 2) ^ rotate(q, 3) ^ rotate(q, 4);
      put(p, spread ^ 0x63);
    } while (p != 1);
    put(0, 0x63);
  }

  private Aes() {}

  private static int rotate(int value, int bits) {
    return (value << bits | value >>> (8 - bits)) & 0xFF;
  }

  private static void put(int from, int to) {
    SBOX[from] = (byte) to;
    INVERSE_SBOX[to & 0xFF] = (byte) from;
  }

  private static int byteAt(long low, long high, int index) {
    return (int) ((index < 8 ? low : high) >>> ((index & 7) * 8)) & 0xFF;
  }

  /**
   * Returns a column after row shift and substitution; rows are shifted by {@code step} columns.
   */
  private static int column(long low, long high, int number, int step, byte[] box) {
    int result = 0;
    for (int row = 0; row < 4; row++) {
      int from = (number + row * step & 3) * 4 + row;
      result |= (box[byteAt(low, high, from)] & 0xFF) << (8 * row);
    }
    return result;
  }

  /** Doubles each of the four bytes in GF(2^8). */
  private static int twice(int column) {
    int tops = column & 0x8080_8080;
    return (column & 0x7F7F_7F7F) << 1 ^ (tops >>> 7) * 0x1B;
  }

  private static int mixColumn(int column) {
    int rotated = Integer.rotateRight(column, 8);
    return twice(column ^ rotated)
        ^ rotated
        ^ Integer.rotateRight(column, 16)
        ^ Integer.rotateRight(column, 24);
  }

  private static int inverseMixColumn(int column) {
    int four = twice(twice(column ^ Integer.rotateRight(column, 16)));
    return mixColumn(column ^ four);
  }

  private static long pair(int low, int high) {
    return (low & 0xFFFF_FFFFL) | (long) high << 32;
  }

  public static void aesenc(Cpu cpu, Insn insn) {
    round(cpu, insn, 1, SBOX, Mix.FORWARD);
  }

  public static void aesenclast(Cpu cpu, Insn insn) {
    round(cpu, insn, 1, SBOX, Mix.NONE);
  }

  public static void aesdec(Cpu cpu, Insn insn) {
    round(cpu, insn, -1, INVERSE_SBOX, Mix.INVERSE);
  }

  public static void aesdeclast(Cpu cpu, Insn insn) {
    round(cpu, insn, -1, INVERSE_SBOX, Mix.NONE);
  }

  private enum Mix {
    NONE,
    FORWARD,
    INVERSE
  }

  private static void round(Cpu cpu, Insn insn, int step, byte[] box, Mix mix) {
    long keyLow = sourceLow(cpu, insn);
    long keyHigh = sourceHigh(cpu, insn);
    long low = cpu.sse.low(insn.dst());
    long high = cpu.sse.high(insn.dst());
    int c0 = mixed(column(low, high, 0, step, box), mix);
    int c1 = mixed(column(low, high, 1, step, box), mix);
    int c2 = mixed(column(low, high, 2, step, box), mix);
    int c3 = mixed(column(low, high, 3, step, box), mix);
    cpu.sse.set(insn.dst(), pair(c0, c1) ^ keyLow, pair(c2, c3) ^ keyHigh);
  }

  private static int mixed(int column, Mix mix) {
    return switch (mix) {
      case NONE -> column;
      case FORWARD -> mixColumn(column);
      case INVERSE -> inverseMixColumn(column);
    };
  }

  public static void aesimc(Cpu cpu, Insn insn) {
    long low = sourceLow(cpu, insn);
    long high = sourceHigh(cpu, insn);
    cpu.sse.set(
        insn.dst(),
        pair(inverseMixColumn((int) low), inverseMixColumn((int) (low >>> 32))),
        pair(inverseMixColumn((int) high), inverseMixColumn((int) (high >>> 32))));
  }

  public static void aeskeygenassist(Cpu cpu, Insn insn) {
    int constant = (int) insn.immediate() & 0xFF;
    int first = substitute((int) (sourceLow(cpu, insn) >>> 32));
    int second = substitute((int) (sourceHigh(cpu, insn) >>> 32));
    cpu.sse.set(
        insn.dst(),
        pair(first, Integer.rotateRight(first, 8) ^ constant),
        pair(second, Integer.rotateRight(second, 8) ^ constant));
  }

  private static int substitute(int word) {
    int result = 0;
    for (int i = 0; i < 32; i += 8) {
      result |= (SBOX[word >>> i & 0xFF] & 0xFF) << i;
    }
    return result;
  }

  public static void pclmulqdq(Cpu cpu, Insn insn) {
    int control = (int) insn.immediate();
    long low = sourceLow(cpu, insn);
    long high = sourceHigh(cpu, insn);
    long right = (control & 16) != 0 ? high : low;
    long left = (control & 1) != 0 ? cpu.sse.high(insn.dst()) : cpu.sse.low(insn.dst());
    long productLow = 0;
    long productHigh = 0;
    for (int i = 0; i < 64; i++) {
      long mask = -(right >>> i & 1);
      productLow ^= left << i & mask;
      productHigh ^= (i == 0 ? 0 : left >>> (64 - i)) & mask;
    }
    cpu.sse.set(insn.dst(), productLow, productHigh);
  }
}
