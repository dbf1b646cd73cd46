// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

import java.util.Arrays;

/**
 * x87 registers. MMX registers are the significands.
 *
 * <p>Registers are held by physical number; ST(i) is number {@code top + i} modulo 8.
 */
public final class Fpu {
  public static final int RESET_CONTROL = 0x37F;

  public final long[] significands = new long[8];

  /** Sign in bit 15, biased exponent below. */
  public final int[] exponents = new int[8];

  /** One bit per physical register that holds a value. */
  public int used;

  public int control = RESET_CONTROL;

  /** Status word without TOP, which is {@link #top}. */
  public int status;

  public int top;
  public int lastOpcode;
  public long lastInstruction;
  public long lastData;

  /** FNINIT. */
  public void reset() {
    control = RESET_CONTROL;
    status = 0;
    top = 0;
    used = 0;
    lastOpcode = 0;
    lastInstruction = 0;
    lastData = 0;
  }

  /** Clears the registers too, as a processor reset does. */
  public void resetAll() {
    reset();
    Arrays.fill(significands, 0);
    Arrays.fill(exponents, 0);
  }

  public int statusWord() {
    return (status & ~0x3800) | top << 11;
  }

  public void statusWord(int value) {
    status = value & ~0x3800;
    top = value >>> 11 & 7;
  }

  public int physical(int index) {
    return top + index & 7;
  }

  public boolean isEmpty(int index) {
    return (used >>> physical(index) & 1) == 0;
  }

  /** Returns the tag word in the two-bit form of FSTENV. */
  public int tagWord() {
    int tags = 0;
    for (int i = 0; i < 8; i++) {
      tags |= tag(i) << (2 * i);
    }
    return tags;
  }

  private int tag(int physical) {
    if ((used >>> physical & 1) == 0) {
      return 3;
    }
    int exponent = exponents[physical] & 0x7FFF;
    long significand = significands[physical];
    if (exponent == 0 && significand == 0) {
      return 1;
    }
    return exponent != 0 && exponent != 0x7FFF && significand < 0 ? 0 : 2;
  }

  public void tagWord(int tags) {
    used = 0;
    for (int i = 0; i < 8; i++) {
      if ((tags >>> (2 * i) & 3) != 3) {
        used |= 1 << i;
      }
    }
  }

  // MMX

  /** Every MMX instruction marks all registers used and moves the top to 0. */
  public void enterMmx() {
    top = 0;
    used = 0xFF;
  }

  public long mmx(int register) {
    return significands[register];
  }

  public void mmx(int register, long value) {
    significands[register] = value;
    exponents[register] = 0xFFFF;
  }
}
