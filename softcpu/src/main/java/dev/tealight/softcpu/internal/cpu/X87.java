// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

import dev.tealight.softcpu.internal.fault.Vector;
import dev.tealight.softcpu.internal.fp.FloatMath;
import dev.tealight.softcpu.internal.fp.Format;
import dev.tealight.softcpu.internal.fp.Unpacked;

/**
 * What x87 instructions are made of: the register stack, rounding, exceptions.
 *
 * <p>An unmasked exception is recorded and raised by the next waiting instruction, as on the
 * processor. One that comes before the computation (invalid operation, denormal operand, division
 * by zero, stack fault) blocks its instruction, which then leaves operands and stack as they are.
 */
public final class X87 {
  public static final int C0 = 1 << 8;
  public static final int C1 = 1 << 9;
  public static final int C2 = 1 << 10;
  public static final int C3 = 1 << 14;

  private static final int STACK_FAULT = 1 << 6;
  private static final int ERROR_SUMMARY = 1 << 7;
  private static final int BUSY = 1 << 15;
  private static final int ALL_FLAGS = 0x3F;
  private static final int BEFORE_COMPUTATION =
      FloatMath.INVALID | FloatMath.DENORMAL | FloatMath.ZERO_DIVIDE;

  /** Arithmetic with two operands; reversed ones swap them. */
  public enum Arithmetic {
    ADD,
    MULTIPLY,
    SUBTRACT,
    SUBTRACT_REVERSED,
    DIVIDE,
    DIVIDE_REVERSED
  }

  public final FloatMath math = new FloatMath();

  /** Scratch numbers for the running instruction. */
  public final Unpacked left = new Unpacked();

  public final Unpacked right = new Unpacked();
  public final Unpacked result = new Unpacked();

  /** Exceptions that block the running instruction if they are not masked. */
  private int blocking = BEFORE_COMPUTATION;

  private final Cpu cpu;
  private final Fpu fpu;

  X87(Cpu cpu) {
    this.cpu = cpu;
    this.fpu = cpu.fpu;
  }

  /** Raises an exception that waits since an earlier instruction. */
  public void raisePending() {
    if ((fpu.status & ERROR_SUMMARY) != 0) {
      throw cpu.fault.raise(Vector.X87);
    }
  }

  /** Starts an instruction that computes. */
  public void begin() {
    math.clearFlags();
    math.rounding = fpu.control >>> 10 & 3;
    math.underflowUnmasked = (fpu.control & FloatMath.UNDERFLOW) == 0;
    math.overflowUnmasked = (fpu.control & FloatMath.OVERFLOW) == 0;
    math.scales = true;
    blocking = BEFORE_COMPUTATION;
    fpu.status &= ~C1;
  }

  /** The same for a store of a float: out of range, it cannot be scaled and is not stored. */
  public void beginStore() {
    begin();
    math.scales = false;
    blocking = BEFORE_COMPUTATION | FloatMath.OVERFLOW | FloatMath.UNDERFLOW;
  }

  /** Bits of significand that the precision control leaves. */
  public int precision() {
    return switch (fpu.control >>> 8 & 3) {
      case 0 -> 24;
      case 2 -> 53;
      default -> 64;
    };
  }

  /** Takes over the exceptions of the computation, and C1 from its rounding. */
  public void end() {
    report(math.flags() & blocking);
    if (blocked()) {
      return;
    }
    report(math.flags());
    if (math.roundedUp()) {
      fpu.status |= C1;
    }
  }

  /**
   * Returns whether the running instruction has raised an unmasked exception that lets it store no
   * result and pop nothing.
   */
  public boolean blocked() {
    return (fpu.status & ~fpu.control & blocking) != 0; // earlier ones were raised
  }

  /**
   * Returns whether ST(0) may be stored in memory. Reports nothing yet: the store may have to leave
   * to the monitor first.
   *
   * @param present whether there is a value; what its conversion raised is known
   */
  public boolean mayStore(boolean present) {
    int raised = present ? math.flags() : FloatMath.INVALID;
    return (raised & blocking & ~fpu.control) == 0;
  }

  /** Reports what a store has raised, and pops unless that is blocked. */
  public void endStore(boolean present, boolean pops) {
    if (present) {
      end();
    } else {
      underflow();
    }
    popUnlessBlocked(pops ? 1 : 0);
  }

  /** Stores the result in ST(index), unless that is blocked. */
  public void store(int index) {
    if (!blocked()) {
      write(index, result);
    }
  }

  /** Pops {@code count} registers, unless that is blocked. */
  public void popUnlessBlocked(int count) {
    if (!blocked()) {
      for (int i = 0; i < count; i++) {
        pop();
      }
    }
  }

  private void report(int flags) {
    fpu.status |= flags;
    updateSummary();
  }

  /** Recomputes the error summary after a change of status or control word. */
  public void updateSummary() {
    boolean unmasked = (fpu.status & ~fpu.control & ALL_FLAGS) != 0;
    if (unmasked) {
      fpu.status |= ERROR_SUMMARY | BUSY;
    } else {
      fpu.status &= ~(ERROR_SUMMARY | BUSY);
    }
  }

  // Stack

  /** An empty register was read: the result is the indefinite value. */
  public void underflow() {
    fpu.status &= ~C1;
    report(FloatMath.INVALID | STACK_FAULT);
  }

  /** Returns whether ST(index) holds something; if not, reports the stack fault. */
  public boolean present(int index) {
    if (fpu.isEmpty(index)) {
      underflow();
      return false;
    }
    return true;
  }

  public void read(int index, Unpacked to) {
    int physical = fpu.physical(index);
    Format.unpackExtended(fpu.exponents[physical], fpu.significands[physical], to);
  }

  public void write(int index, Unpacked from) {
    write(index, Format.packExtendedExponent(from), Format.packExtendedSignificand(from));
  }

  public void write(int index, int signExponent, long significand) {
    int physical = fpu.physical(index);
    fpu.exponents[physical] = signExponent;
    fpu.significands[physical] = significand;
    fpu.used |= 1 << physical;
  }

  /** Returns whether a value can be pushed. */
  public boolean hasRoom() {
    return fpu.isEmpty(7);
  }

  /** Makes room for a value; reports a stack fault if there is none. */
  public boolean push() {
    if (hasRoom()) {
      fpu.top = fpu.top - 1 & 7;
      return true;
    }
    report(FloatMath.INVALID | STACK_FAULT);
    fpu.status |= C1;
    pushIndefinite();
    return false;
  }

  /** After a stack fault: pushes the indefinite value, unless that is blocked. */
  public void pushIndefinite() {
    if (!blocked()) {
      fpu.top = fpu.top - 1 & 7;
      write(0, result.indefinite());
    }
  }

  public void pop() {
    fpu.used &= ~(1 << fpu.top);
    fpu.top = fpu.top + 1 & 7;
  }

  /** Pushes a value that was computed before. */
  public void push(Unpacked value) {
    int exponent = Format.packExtendedExponent(value);
    long significand = Format.packExtendedSignificand(value);
    fpu.status &= ~C1;
    if (push()) {
      write(0, exponent, significand);
    }
  }

  // Computation

  public void flagDenormal(Unpacked number) {
    if (number.denormal) {
      math.raise(FloatMath.DENORMAL);
    }
  }

  private static boolean isSignaling(Unpacked number) {
    return number.kind == Unpacked.Kind.SIGNALING_NAN;
  }

  /** Makes the result the NaN among left and right: the one with the larger significand. */
  public boolean propagatesNan() {
    if (!left.isNan() && !right.isNan()) {
      return false;
    }
    if (isSignaling(left) || isSignaling(right)) {
      math.raise(FloatMath.INVALID);
    }
    quiet(chosenNan());
    return true;
  }

  private Unpacked chosenNan() {
    if (left.unsupported || right.unsupported) {
      return left.unsupported ? left : right; // both are held as the indefinite value
    }
    if (!right.isNan()) {
      return left;
    }
    if (!left.isNan()) {
      return right;
    }
    // A signaling one yields to a quiet one.
    if (isSignaling(left) != isSignaling(right)) {
      return isSignaling(left) ? right : left;
    }
    int order = Long.compareUnsigned(left.significand, right.significand);
    if (order != 0) {
      return order > 0 ? left : right;
    }
    return left.negative ? right : left;
  }

  private void quiet(Unpacked nan) {
    result.copyOf(nan);
    result.kind = Unpacked.Kind.QUIET_NAN;
    result.significand |= 1L << 62;
  }

  /** Computes {@code left operation right} into the result. */
  public void compute(Arithmetic operation) {
    if (propagatesNan()) {
      return;
    }
    int precision = precision();
    Format format = Format.EXTENDED;
    switch (operation) {
      case ADD -> math.add(left, right, false, format, precision, result);
      case MULTIPLY -> math.multiply(left, right, format, precision, result);
      case SUBTRACT -> math.add(left, right, true, format, precision, result);
      case SUBTRACT_REVERSED -> math.add(right, left, true, format, precision, result);
      case DIVIDE -> math.divide(left, right, format, precision, result);
      case DIVIDE_REVERSED -> math.divide(right, left, format, precision, result);
    }
    if ((math.flags() & (FloatMath.INVALID | FloatMath.ZERO_DIVIDE)) == 0) {
      flagDenormal(left);
      flagDenormal(right);
    }
  }

  /** Returns C3, C2 and C0 for a comparison of left and right. */
  public int compare(boolean signalsQuiet) {
    if (left.isNan() || right.isNan()) {
      if (signalsQuiet || isSignaling(left) || isSignaling(right)) {
        math.raise(FloatMath.INVALID);
      }
      return C3 | C2 | C0;
    }
    flagDenormal(left);
    flagDenormal(right);
    int order = FloatMath.compare(left, right);
    return order > 0 ? 0 : order < 0 ? C0 : C3;
  }

  public void conditions(int bits) {
    fpu.status = (fpu.status & ~(C0 | C2 | C3)) | bits;
  }
}
