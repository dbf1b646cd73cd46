// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import static dev.tealight.softcpu.internal.op.Vectors.sourceHigh;
import static dev.tealight.softcpu.internal.op.Vectors.sourceLow;
import static java.lang.Integer.rotateLeft;
import static java.lang.Integer.rotateRight;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Insn;

/** SHA-1 and SHA-256 (FIPS 180-4). */
public final class Sha {
  private Sha() {}

  private static int upper(long pair) {
    return (int) (pair >>> 32);
  }

  private static void set(Cpu cpu, Insn insn, int d3, int d2, int d1, int d0) {
    cpu.sse.set(
        insn.dst(), (long) d1 << 32 | (d0 & 0xFFFF_FFFFL), (long) d3 << 32 | (d2 & 0xFFFF_FFFFL));
  }

  // What both have

  private static int choose(int x, int y, int z) {
    return (x & y) ^ (~x & z);
  }

  private static int majority(int x, int y, int z) {
    return (x & y) ^ (x & z) ^ (y & z);
  }

  // SHA-1

  /** Four rounds on A to D; E is in the first word of the message. */
  public static void sha1rnds4(Cpu cpu, Insn insn) {
    long low = cpu.sse.low(insn.dst());
    long high = cpu.sse.high(insn.dst());
    long message01 = sourceHigh(cpu, insn);
    long message23 = sourceLow(cpu, insn);
    int stage = (int) insn.immediate() & 3;
    int a = upper(high);
    int b = (int) high;
    int c = upper(low);
    int d = (int) low;
    int e = 0;
    for (int round = 0; round < 4; round++) {
      long pair = round < 2 ? message01 : message23;
      int word = (round & 1) == 0 ? upper(pair) : (int) pair;
      int next = mixed(stage, b, c, d) + rotateLeft(a, 5) + word + e;
      e = d;
      d = c;
      c = rotateLeft(b, 30);
      b = a;
      a = next;
    }
    set(cpu, insn, a, b, c, d);
  }

  /** The stage's function and constant. */
  private static int mixed(int stage, int b, int c, int d) {
    return switch (stage) {
      case 0 -> choose(b, c, d) + 0x5A82_7999;
      case 1 -> (b ^ c ^ d) + 0x6ED9_EBA1;
      case 2 -> majority(b, c, d) + 0x8F1B_BCDC;
      default -> (b ^ c ^ d) + 0xCA62_C1D6;
    };
  }

  public static void sha1nexte(Cpu cpu, Insn insn) {
    int e = rotateLeft(upper(cpu.sse.high(insn.dst())), 30);
    long low = sourceLow(cpu, insn);
    long high = sourceHigh(cpu, insn);
    set(cpu, insn, upper(high) + e, (int) high, upper(low), (int) low);
  }

  public static void sha1msg1(Cpu cpu, Insn insn) {
    long following = sourceHigh(cpu, insn);
    long low = cpu.sse.low(insn.dst());
    long high = cpu.sse.high(insn.dst());
    cpu.sse.set(insn.dst(), low ^ following, high ^ low);
  }

  public static void sha1msg2(Cpu cpu, Insn insn) {
    long sourceLow = sourceLow(cpu, insn);
    long sourceHigh = sourceHigh(cpu, insn);
    long low = cpu.sse.low(insn.dst());
    long high = cpu.sse.high(insn.dst());
    int w16 = rotateLeft(upper(high) ^ (int) sourceHigh, 1);
    int w17 = rotateLeft((int) high ^ upper(sourceLow), 1);
    int w18 = rotateLeft(upper(low) ^ (int) sourceLow, 1);
    int w19 = rotateLeft((int) low ^ w16, 1);
    set(cpu, insn, w16, w17, w18, w19);
  }

  // SHA-256

  /** Two rounds; XMM0 has the two words of the message with the rounds' constants added. */
  public static void sha256rnds2(Cpu cpu, Insn insn) {
    long abef0 = sourceLow(cpu, insn);
    long abef1 = sourceHigh(cpu, insn);
    long cdgh0 = cpu.sse.low(insn.dst());
    long cdgh1 = cpu.sse.high(insn.dst());
    long words = cpu.sse.low(0);
    int a = upper(abef1);
    int b = (int) abef1;
    int c = upper(cdgh1);
    int d = (int) cdgh1;
    int e = upper(abef0);
    int f = (int) abef0;
    int g = upper(cdgh0);
    int h = (int) cdgh0;
    int t = h + sum1(e) + choose(e, f, g) + (int) words;
    int e1 = d + t;
    int a1 = t + sum0(a) + majority(a, b, c);
    t = g + sum1(e1) + choose(e1, e, f) + upper(words);
    int e2 = c + t;
    int a2 = t + sum0(a1) + majority(a1, a, b);
    set(cpu, insn, a2, a1, e2, e1);
  }

  private static int sum0(int x) {
    return rotateRight(x, 2) ^ rotateRight(x, 13) ^ rotateRight(x, 22);
  }

  private static int sum1(int x) {
    return rotateRight(x, 6) ^ rotateRight(x, 11) ^ rotateRight(x, 25);
  }

  private static int sigma0(int x) {
    return rotateRight(x, 7) ^ rotateRight(x, 18) ^ x >>> 3;
  }

  private static int sigma1(int x) {
    return rotateRight(x, 17) ^ rotateRight(x, 19) ^ x >>> 10;
  }

  public static void sha256msg1(Cpu cpu, Insn insn) {
    int w4 = (int) sourceLow(cpu, insn);
    long low = cpu.sse.low(insn.dst());
    long high = cpu.sse.high(insn.dst());
    int w0 = (int) low;
    int w1 = upper(low);
    int w2 = (int) high;
    int w3 = upper(high);
    set(cpu, insn, w3 + sigma0(w4), w2 + sigma0(w3), w1 + sigma0(w2), w0 + sigma0(w1));
  }

  public static void sha256msg2(Cpu cpu, Insn insn) {
    long source = sourceHigh(cpu, insn);
    long low = cpu.sse.low(insn.dst());
    long high = cpu.sse.high(insn.dst());
    int w16 = (int) low + sigma1((int) source);
    int w17 = upper(low) + sigma1(upper(source));
    int w18 = (int) high + sigma1(w16);
    int w19 = upper(high) + sigma1(w17);
    set(cpu, insn, w19, w18, w17, w16);
  }
}
