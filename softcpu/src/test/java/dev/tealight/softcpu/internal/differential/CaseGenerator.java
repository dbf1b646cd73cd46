// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.differential;

import dev.tealight.softcpu.internal.differential.Templates.Template;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** Makes random cases from a list of templates; the seed decides everything. */
final class CaseGenerator {
  private static final int MAX_INSTRUCTIONS = 10;

  /** Longest that one template writes. */
  private static final int ROOM = 24;

  private final List<Template> templates;

  CaseGenerator(List<Template> templates) {
    this.templates = templates;
  }

  TestCase generate(long seed) {
    RandomGenerator random = new SplittableRandom(seed);
    TestCase test = new TestCase();
    Encoder encoder = new Encoder(random, test);
    state(encoder);
    int count = 1 + random.nextInt(MAX_INSTRUCTIONS);
    for (int i = 0; i < count && test.hasRoom(ROOM); i++) {
      instruction(encoder);
    }
    test.finish();
    return test;
  }

  /**
   * Makes a loop over random instructions, some of which are jumped over or called. Counters lie
   * where FS leads, out of the way of random addresses; only the software CPU has that page.
   */
  TestCase generateLoop(long seed) {
    RandomGenerator random = new SplittableRandom(seed);
    TestCase test = new TestCase();
    Encoder encoder = new Encoder(random, test);
    state(encoder);
    int start = test.codeLength();
    int count = 1 + random.nextInt(6);
    for (int i = 0; i < count && test.hasRoom(2 * ROOM + 24); i++) {
      switch (random.nextInt(5)) {
        case 0 -> {
          test.emit(0x70 | random.nextInt(16), 0); // Jcc over the next one
          skipped(test, () -> instruction(encoder));
        }
        case 1 -> {
          test.emit(0xE8, 2, 0, 0, 0, 0xEB, 0); // CALL what the JMP behind it jumps over
          skipped(
              test,
              () -> {
                instruction(encoder);
                test.emit(0xC3);
              });
        }
        default -> instruction(encoder);
      }
    }
    test.emit(0x64, 0xFF, 0x04, 0x25, 0, 0, 0, 0); // INC DWORD FS:[0]
    test.emit(0x64, 0x83, 0x3C, 0x25, 0, 0, 0, 0, 2 + random.nextInt(12)); // CMP
    int back = start - test.codeLength() - 6;
    test.emit(0x0F, 0x85, back & 0xFF, back >> 8 & 0xFF, back >> 16 & 0xFF, back >> 24 & 0xFF);
    test.finish();
    return test;
  }

  /** Lets the jump whose 8-bit distance was emitted last lead behind what is emitted now. */
  private static void skipped(TestCase test, Runnable emit) {
    int from = test.codeLength();
    emit.run();
    test.patch(from - 1, test.codeLength() - from);
  }

  private static void state(Encoder encoder) {
    registers(encoder);
    TestCase test = encoder.test;
    RandomGenerator random = encoder.random;
    for (int i = 0; i < TestCase.PAGE; i += 8) {
      long value = random.nextInt(3) == 0 ? floatBits(encoder) : random.nextLong();
      test.view.putLong(test.dataAt() + i, value);
    }
    fxsave(encoder);
  }

  private void instruction(Encoder encoder) {
    TestCase test = encoder.test;
    Template template = templates.get(encoder.below(templates.size()));
    if (template.readsFlags() && test.undefinedFlags != 0) {
      test.emit(0x39, 0xC8); // CMP EAX,ECX defines them all
      test.undefinedFlags = 0;
    }
    test.beginInstruction();
    template.body().emit(encoder);
    test.endInstruction();
    test.everUndefinedFlags |= template.undefines();
    test.undefinedFlags = (test.undefinedFlags & ~template.defines()) | template.undefines();
  }

  private static void registers(Encoder encoder) {
    TestCase test = encoder.test;
    for (int i = 0; i < 16; i++) {
      test.gpr(i, encoder.interesting());
    }
    long middle = TestCase.DATA_ADDRESS + TestCase.PAGE / 2;
    test.gpr(3, middle - 256);
    test.gpr(4, middle - 1024);
    test.gpr(6, middle + 256);
    test.gpr(7, middle + 768);
    test.rflags(0x202 | (encoder.below(0x1000) & 0x8D5));
  }

  /** Returns a double, or two singles, of all kinds. */
  private static long floatBits(Encoder encoder) {
    return switch (encoder.below(12)) {
      case 0 -> Double.doubleToRawLongBits(encoder.below(2000) - 1000);
      case 1 -> Double.doubleToRawLongBits(encoder.random.nextDouble());
      case 2 -> Double.doubleToRawLongBits((double) encoder.interesting());
      case 3 -> singles(encoder);
      case 4 -> encoder.random.nextLong() & 0x800F_FFFF_FFFF_FFFFL; // denormal
      case 5 -> 0x7FF0_0000_0000_0000L | (long) encoder.below(2) << 63; // infinite
      case 6 -> 0x7FF0_0000_0000_0001L | encoder.random.nextLong() >>> 12; // NaN
      case 7 -> (long) encoder.below(2) << 63; // zero
      case 8 -> 0x7F80_0000_FF80_0000L ^ encoder.below(2) << 23;
      case 9 ->
          Double.doubleToRawLongBits(
              Math.scalb(encoder.random.nextDouble() + 1, encoder.below(2100) - 1080));
      default -> encoder.random.nextLong();
    };
  }

  private static long singles(Encoder encoder) {
    long low = single(encoder) & 0xFFFF_FFFFL;
    return low | (long) single(encoder) << 32;
  }

  private static int single(Encoder encoder) {
    return switch (encoder.below(6)) {
      case 0 -> Float.floatToRawIntBits(encoder.below(2000) - 1000);
      case 1 -> encoder.random.nextInt() & 0x807F_FFFF;
      case 2 -> 0x7F80_0000 | encoder.below(3) << 21 | encoder.below(2) << 31;
      case 3 -> Float.floatToRawIntBits((float) encoder.random.nextGaussian());
      default -> encoder.random.nextInt();
    };
  }

  private static void fxsave(Encoder encoder) {
    TestCase test = encoder.test;
    int at = test.fxsaveAt();
    boolean plain = encoder.chance(50);
    int rounding = plain ? 0 : encoder.below(4);
    int precision = plain ? 3 : new int[] {0, 2, 3}[encoder.below(3)];
    test.view.putShort(at, (short) (0x7F | precision << 8 | rounding << 10));
    test.view.putShort(at + 2, (short) (encoder.below(8) << 11 | encoder.below(8) << 8));
    test.view.put(at + 4, (byte) encoder.random.nextInt());
    int mxcsr = 0x1F80;
    if (!plain) {
      mxcsr |= rounding << 13 | encoder.below(64);
      if (encoder.chance(20)) {
        mxcsr |= 0x40;
      }
      if (encoder.chance(20)) {
        mxcsr |= 0x8000;
      }
      if (encoder.chance(5)) {
        mxcsr = mxcsr & ~0x3F & ~(1 << (7 + encoder.below(6)));
      }
    }
    test.view.putInt(at + 24, mxcsr);
    test.view.putInt(at + 28, 0xFFFF);
    for (int i = 0; i < 8; i++) {
      extended(encoder, at + 32 + 16 * i);
    }
    for (int i = 0; i < 32; i++) {
      test.view.putLong(at + 160 + 8 * i, floatBits(encoder));
    }
  }

  private static void extended(Encoder encoder, int at) {
    int exponent = 0x3FFF + encoder.below(140) - 70;
    long significand = encoder.random.nextLong() | Long.MIN_VALUE;
    switch (encoder.below(16)) {
      case 0 -> {
        exponent = 0;
        significand = 0;
      }
      case 1 -> {
        exponent = 0x7FFF;
        significand = Long.MIN_VALUE;
      }
      case 2 -> exponent = 0x7FFF;
      case 3 -> {
        exponent = 0;
        significand &= Long.MAX_VALUE;
      }
      case 4 -> exponent = encoder.below(0x7FFF);
      case 5 -> significand &= Long.MAX_VALUE;
      case 6, 7 -> significand &= -1L << encoder.below(63);
      default -> {}
    }
    encoder.test.view.putLong(at, significand);
    encoder.test.view.putShort(at + 8, (short) (exponent | encoder.below(2) << 15));
  }
}
