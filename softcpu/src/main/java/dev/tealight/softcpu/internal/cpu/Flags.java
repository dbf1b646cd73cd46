// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

/**
 * RFLAGS. The six arithmetic flags are computed only when somebody asks.
 *
 * <p>An instruction records what it computed: the operands and the result, sign-extended from the
 * operand size to 64 bits. In that form every flag has one formula for all operand sizes, and most
 * conditions after a comparison are one comparison of Java longs.
 */
public final class Flags {
  public static final int CF = 1;
  public static final int PF = 1 << 2;
  public static final int AF = 1 << 4;
  public static final int ZF = 1 << 6;
  public static final int SF = 1 << 7;
  public static final int TF = 1 << 8;
  public static final int IF = 1 << 9;
  public static final int DF = 1 << 10;
  public static final int OF = 1 << 11;
  public static final int IOPL = 3 << 12;
  public static final int NT = 1 << 14;
  public static final int RF = 1 << 16;
  public static final int VM = 1 << 17;
  public static final int AC = 1 << 18;
  public static final int ID = 1 << 21;

  public static final int ARITHMETIC = CF | PF | AF | ZF | SF | OF;

  /** Bits that exist; the others read as zero, except bit 1. */
  public static final int DEFINED =
      ARITHMETIC | TF | IF | DF | IOPL | NT | RF | VM | AC | 1 << 19 | 1 << 20 | ID;

  /** result = left + right (+ carry): all six follow from the three values. */
  public static final int ADDITION = 0;

  /** result = left - right. */
  public static final int SUBTRACTION = 1;

  /** SF, ZF and PF follow from the result; CF, OF and AF are the bits in {@code left}. */
  public static final int RESULT = 2;

  /** All six are the bits in {@code left}. */
  public static final int EXPLICIT = 3;

  private int kind = EXPLICIT;
  private long left;
  private long right;
  private long result;

  /** All flags that are not arithmetic. */
  private int control;

  public void addition(long left, long right, long result) {
    this.kind = ADDITION;
    this.left = left;
    this.right = right;
    this.result = result;
  }

  public void subtraction(long left, long right, long result) {
    this.kind = SUBTRACTION;
    this.left = left;
    this.right = right;
    this.result = result;
  }

  /** Records a bitwise operation: CF, OF and AF are clear. */
  public void logic(long result) {
    this.kind = RESULT;
    this.left = 0;
    this.result = result;
  }

  /** Records a result together with CF, OF and AF as bits of RFLAGS. */
  public void result(long result, int carryOverflowAdjust) {
    this.kind = RESULT;
    this.left = carryOverflowAdjust;
    this.result = result;
  }

  /** Sets all six arithmetic flags. */
  public void arithmetic(int bits) {
    this.kind = EXPLICIT;
    this.left = bits & ARITHMETIC;
  }

  public boolean carry() {
    return carry(kind, left, right, result);
  }

  public boolean zero() {
    return zero(kind, left, result);
  }

  public boolean overflow() {
    return overflow(kind, left, right, result);
  }

  public boolean adjust() {
    return adjust(kind, left, right, result);
  }

  // The formulas, static so that translated code can use them on values it keeps elsewhere

  public static boolean carry(int kind, long left, long right, long result) {
    return switch (kind) {
      case ADDITION -> ((left & right) | ((left | right) & ~result)) < 0;
      case SUBTRACTION -> Long.compareUnsigned(left, right) < 0;
      default -> (left & CF) != 0;
    };
  }

  private static boolean zero(int kind, long left, long result) {
    return kind == EXPLICIT ? (left & ZF) != 0 : result == 0;
  }

  private static boolean sign(int kind, long left, long result) {
    return kind == EXPLICIT ? (left & SF) != 0 : result < 0;
  }

  private static boolean overflow(int kind, long left, long right, long result) {
    return switch (kind) {
      case ADDITION -> ((left ^ result) & (right ^ result)) < 0;
      case SUBTRACTION -> ((left ^ right) & (left ^ result)) < 0;
      default -> (left & OF) != 0;
    };
  }

  private static boolean parity(int kind, long left, long result) {
    return kind == EXPLICIT ? (left & PF) != 0 : (Integer.bitCount((int) result & 0xFF) & 1) == 0;
  }

  private static boolean adjust(int kind, long left, long right, long result) {
    return kind <= SUBTRACTION ? ((left ^ right ^ result) & AF) != 0 : (left & AF) != 0;
  }

  private static boolean belowOrEqual(int kind, long left, long right, long result) {
    return kind == SUBTRACTION
        ? Long.compareUnsigned(left, right) <= 0
        : carry(kind, left, right, result) || zero(kind, left, result);
  }

  private static boolean less(int kind, long left, long right, long result) {
    return switch (kind) {
      case SUBTRACTION -> left < right;
      case RESULT -> result < 0 ^ (left & OF) != 0;
      default -> sign(kind, left, result) ^ overflow(kind, left, right, result);
    };
  }

  private static boolean lessOrEqual(int kind, long left, long right, long result) {
    return kind == SUBTRACTION
        ? left <= right
        : zero(kind, left, result) || less(kind, left, right, result);
  }

  public static boolean condition(int kind, long left, long right, long result, int code) {
    return switch (code & 15) {
      case 0 -> overflow(kind, left, right, result);
      case 1 -> !overflow(kind, left, right, result);
      case 2 -> carry(kind, left, right, result);
      case 3 -> !carry(kind, left, right, result);
      case 4 -> zero(kind, left, result);
      case 5 -> !zero(kind, left, result);
      case 6 -> belowOrEqual(kind, left, right, result);
      case 7 -> !belowOrEqual(kind, left, right, result);
      case 8 -> sign(kind, left, result);
      case 9 -> !sign(kind, left, result);
      case 10 -> parity(kind, left, result);
      case 11 -> !parity(kind, left, result);
      case 12 -> less(kind, left, right, result);
      case 13 -> !less(kind, left, right, result);
      case 14 -> lessOrEqual(kind, left, right, result);
      default -> !lessOrEqual(kind, left, right, result);
    };
  }

  /** Returns the six arithmetic flags as bits of RFLAGS. */
  public static int arithmetic(int kind, long left, long right, long result) {
    if (kind == EXPLICIT) {
      return (int) left;
    }
    return (carry(kind, left, right, result) ? CF : 0)
        | (parity(kind, left, result) ? PF : 0)
        | (adjust(kind, left, right, result) ? AF : 0)
        | (zero(kind, left, result) ? ZF : 0)
        | (sign(kind, left, result) ? SF : 0)
        | (overflow(kind, left, right, result) ? OF : 0);
  }

  /** What INC and DEC record beside their result: they leave CF alone. */
  public static int stepBits(boolean carry, long left, long result, boolean overflow) {
    return (carry ? CF : 0) | (overflow ? OF : 0) | ((int) (left ^ 1 ^ result) & AF);
  }

  /** What SBB records beside its result. */
  public static int borrowBits(long left, long right, long result) {
    long borrows = (~left & right) | ((~left | right) & result);
    return (borrows < 0 ? CF : 0)
        | (((left ^ right) & (left ^ result)) < 0 ? OF : 0)
        | ((int) (left ^ right ^ result) & AF);
  }

  // The recorded values themselves

  public int kind() {
    return kind;
  }

  public long left() {
    return left;
  }

  public long right() {
    return right;
  }

  public long result() {
    return result;
  }

  /** Records all four values at once. */
  public void record(int newKind, long newLeft, long newRight, long newResult) {
    kind = newKind;
    left = newLeft;
    right = newRight;
    result = newResult;
  }

  /** Evaluates the condition in the low four bits of a Jcc, SETcc or CMOVcc opcode. */
  public boolean condition(int code) {
    return condition(kind, left, right, result, code);
  }

  /** Returns the six arithmetic flags as bits of RFLAGS. */
  public int arithmetic() {
    return arithmetic(kind, left, right, result);
  }

  /** Returns RFLAGS. */
  public int value() {
    return control | arithmetic() | 2;
  }

  /** Sets RFLAGS; bits that do not exist are dropped. */
  public void value(long bits) {
    arithmetic((int) bits);
    control = (int) bits & DEFINED & ~ARITHMETIC;
  }

  /** Replaces the bits of {@code mask} by those of {@code bits}. */
  public void update(int bits, int mask) {
    value((value() & ~mask) | (bits & mask));
  }

  public boolean isSet(int controlFlag) {
    return (control & controlFlag) != 0;
  }

  public void set(int controlFlags) {
    control |= controlFlags;
  }

  public void clear(int controlFlags) {
    control &= ~controlFlags;
  }

  public int ioPrivilege() {
    return control >>> 12 & 3;
  }
}
