// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.memory;

/** Kinds of memory access, also used as bits of a permission set. */
public final class Access {
  public static final int READ = 1;
  public static final int WRITE = 2;
  public static final int EXECUTE = 4;
  public static final int ALL = READ | WRITE | EXECUTE;

  private Access() {}
}
