// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.fault;

/** Exception vectors of the architecture. */
public final class Vector {
  public static final int DIVIDE = 0;
  public static final int DEBUG = 1;
  public static final int NMI = 2;
  public static final int BREAKPOINT = 3;
  public static final int OVERFLOW = 4;
  public static final int BOUND = 5;
  public static final int UNDEFINED = 6;
  public static final int DEVICE_NOT_AVAILABLE = 7;
  public static final int DOUBLE_FAULT = 8;
  public static final int INVALID_TSS = 10;
  public static final int NOT_PRESENT = 11;
  public static final int STACK = 12;
  public static final int PROTECTION = 13;
  public static final int PAGE_FAULT = 14;
  public static final int X87 = 16;
  public static final int ALIGNMENT = 17;
  public static final int SIMD = 19;

  private Vector() {}
}
