// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import java.util.function.IntBinaryOperator;
import java.util.function.IntUnaryOperator;

/**
 * Applies an operation to each lane of a 64-bit half of a vector.
 *
 * <p>Lanes are handed out sign-extended; the result is cut to the lane.
 */
public final class Lanes {
  private Lanes() {}

  /** An operation on 64 bits; a 128-bit one is applied to both halves. */
  @FunctionalInterface
  public interface Binary {
    long apply(long left, long right);
  }

  public static long bytes(long left, long right, IntBinaryOperator operation) {
    long result = 0;
    for (int i = 0; i < 64; i += 8) {
      int lane = operation.applyAsInt((byte) (left >>> i), (byte) (right >>> i));
      result |= (lane & 0xFFL) << i;
    }
    return result;
  }

  public static long words(long left, long right, IntBinaryOperator operation) {
    long result = 0;
    for (int i = 0; i < 64; i += 16) {
      int lane = operation.applyAsInt((short) (left >>> i), (short) (right >>> i));
      result |= (lane & 0xFFFFL) << i;
    }
    return result;
  }

  public static long ints(long left, long right, IntBinaryOperator operation) {
    int low = operation.applyAsInt((int) left, (int) right);
    int high = operation.applyAsInt((int) (left >>> 32), (int) (right >>> 32));
    return (low & 0xFFFF_FFFFL) | (long) high << 32;
  }

  public static long eachWord(long value, IntUnaryOperator operation) {
    return words(value, 0, (lane, _) -> operation.applyAsInt(lane));
  }

  public static int word(long value, int index) {
    return (int) (value >>> (16 * index)) & 0xFFFF;
  }

  public static int clampByte(int value) {
    return Math.clamp(value, Byte.MIN_VALUE, Byte.MAX_VALUE);
  }

  public static int clampUnsignedByte(int value) {
    return Math.clamp(value, 0, 0xFF);
  }

  public static int clampShort(int value) {
    return Math.clamp(value, Short.MIN_VALUE, Short.MAX_VALUE);
  }

  public static int clampUnsignedShort(int value) {
    return Math.clamp(value, 0, 0xFFFF);
  }

  // Whole halves at once, for the operations that programs spend their time in

  private static final long BYTE_TOPS = 0x8080_8080_8080_8080L;
  private static final long WORD_TOPS = 0x8000_8000_8000_8000L;
  private static final long INT_TOPS = 0x8000_0000_8000_0000L;

  private static long add(long left, long right, long tops) {
    return (left & ~tops) + (right & ~tops) ^ ((left ^ right) & tops);
  }

  private static long subtract(long left, long right, long tops) {
    return (left | tops) - (right & ~tops) ^ ((left ^ ~right) & tops);
  }

  public static long addBytes(long left, long right) {
    return add(left, right, BYTE_TOPS);
  }

  public static long addWords(long left, long right) {
    return add(left, right, WORD_TOPS);
  }

  public static long addInts(long left, long right) {
    return add(left, right, INT_TOPS);
  }

  public static long subtractBytes(long left, long right) {
    return subtract(left, right, BYTE_TOPS);
  }

  public static long subtractWords(long left, long right) {
    return subtract(left, right, WORD_TOPS);
  }

  public static long subtractInts(long left, long right) {
    return subtract(left, right, INT_TOPS);
  }

  /** Returns all ones in each byte where both are equal. */
  public static long equalBytes(long left, long right) {
    long difference = left ^ right;
    long nonZero = (difference & ~BYTE_TOPS) + ~BYTE_TOPS | difference;
    return ((~nonZero & BYTE_TOPS) >>> 7) * 0xFF;
  }

  /** Returns the top bit of each byte, gathered. */
  public static int byteMask(long value) {
    return (int) (((value & BYTE_TOPS) * 0x0002_0408_1020_4081L) >>> 56);
  }
}
