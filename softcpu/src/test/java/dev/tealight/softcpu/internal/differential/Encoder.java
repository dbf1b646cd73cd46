// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.differential;

import java.util.random.RandomGenerator;

/** Writes instructions with random operands that mostly stay inside the data page. */
final class Encoder {
  private static final int[] POINTERS = {3, 6, 7}; // RBX, RSI, RDI point into the data page
  private static final int[] TARGETS = {0, 1, 2, 5, 8, 9, 10, 11, 12, 13, 14, 15};

  final RandomGenerator random;
  final TestCase test;

  Encoder(RandomGenerator random, TestCase test) {
    this.random = random;
    this.test = test;
  }

  int target() {
    return TARGETS[random.nextInt(TARGETS.length)];
  }

  int below(int bound) {
    return random.nextInt(bound);
  }

  boolean chance(int percent) {
    return random.nextInt(100) < percent;
  }

  /** Where an instruction's ModRM byte may point. */
  enum Operand {
    REGISTER,
    MEMORY,
    EITHER
  }

  /**
   * Emits prefixes, opcode bytes and a ModRM operand.
   *
   * @param opcode bytes as hex, the mandatory prefix (66, F2, F3) first if there is one
   * @param reg the ModRM.reg field, 0 to 15
   * @param rm the register if it is one, 0 to 15
   * @param wide REX.W
   * @param alignment of a memory operand
   */
  void emit(
      String opcode, int reg, int rm, boolean wide, Operand operand, boolean rex, int alignment) {
    boolean memory = operand == Operand.MEMORY || (operand == Operand.EITHER && chance(35));
    int base = POINTERS[below(POINTERS.length)];
    String rest = opcode;
    while (rest.startsWith("66") || rest.startsWith("F2") || rest.startsWith("F3")) {
      test.emit(Integer.parseInt(rest.substring(0, 2), 16));
      rest = rest.substring(2);
    }
    int prefix = (wide ? 8 : 0) | (reg > 7 ? 4 : 0) | ((memory ? base : rm) > 7 ? 1 : 0);
    if (prefix != 0 || rex) {
      test.emit(0x40 | prefix);
    }
    for (int i = 0; i < rest.length(); i += 2) {
      test.emit(Integer.parseInt(rest.substring(i, i + 2), 16));
    }
    if (!memory) {
      test.emit(0xC0 | (reg & 7) << 3 | (rm & 7));
      return;
    }
    int displacement = (below(256) - 128) / alignment * alignment;
    if (chance(1)) {
      displacement++;
    }
    test.emit(0x40 | (reg & 7) << 3 | base, displacement & 0xFF);
  }

  void immediate(int bytes) {
    long value = interesting();
    for (int i = 0; i < bytes; i++) {
      test.emit((int) (value >>> (8 * i)) & 0xFF);
    }
  }

  /** Returns a number that is likely to be at some edge. */
  long interesting() {
    return switch (below(8)) {
      case 0 -> below(4) - 2;
      case 1 -> 1L << below(64);
      case 2 -> (1L << below(64)) - 1;
      case 3 -> -(1L << below(64));
      case 4 -> below(256) - 128;
      case 5 -> random.nextInt();
      default -> random.nextLong();
    };
  }
}
