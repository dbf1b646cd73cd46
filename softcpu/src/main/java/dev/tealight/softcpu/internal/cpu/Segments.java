// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

import dev.tealight.softcpu.internal.fault.GuestFault;

/**
 * Segment registers with their hidden parts.
 *
 * <p>Attributes have the layout of a VMCS access-rights word: type in bits 0–3, S 4, DPL 5–6, P 7,
 * L 13, D/B 14, G 15, unusable 16. Limits are in bytes, inclusive.
 */
public final class Segments {
  public static final int ES = 0;
  public static final int CS = 1;
  public static final int SS = 2;
  public static final int DS = 3;
  public static final int FS = 4;
  public static final int GS = 5;

  /** Stands for "base zero, no limit": what most addresses of 64-bit code use. */
  public static final int FLAT = 6;

  public static final int LDTR = 7;
  public static final int TR = 8;

  /** The stack of an inner level, as long as its frame may still fault. */
  static final int NEXT_STACK = 9;

  private static final int COUNT = 10;

  public static final int UNUSABLE = 1 << 16;
  public static final int LONG_CODE = 1 << 13;
  public static final int BIG = 1 << 14;
  public static final int PRESENT = 1 << 7;
  public static final int CODE_OR_DATA = 1 << 4;

  private static final int TYPE_CODE = 8;
  private static final int TYPE_EXPAND_DOWN = 4;
  private static final int TYPE_READ_WRITE = 2;

  private final int[] selectors = new int[COUNT];
  private final long[] bases = new long[COUNT];
  private final long[] limits = new long[COUNT];
  private final int[] attributes = new int[COUNT];
  private final GuestFault fault;

  Segments(GuestFault fault) {
    this.fault = fault;
  }

  public int selector(int segment) {
    return selectors[segment];
  }

  public long base(int segment) {
    return bases[segment];
  }

  public long limit(int segment) {
    return limits[segment];
  }

  public int attributes(int segment) {
    return attributes[segment];
  }

  public void base(int segment, long base) {
    bases[segment] = base;
  }

  public void selector(int segment, int selector) {
    selectors[segment] = selector;
  }

  public void set(int segment, int selector, long base, long limit, int attribute) {
    selectors[segment] = selector & 0xFFFF;
    bases[segment] = base;
    limits[segment] = limit;
    attributes[segment] = attribute;
  }

  public int privilege(int segment) {
    return attributes[segment] >>> 5 & 3;
  }

  /** Loads the hidden part from a descriptor of a table. */
  public void setFromDescriptor(int segment, int selector, long descriptor, long baseHigh) {
    set(
        segment,
        selector,
        Descriptor.base(descriptor) | baseHigh << 32,
        Descriptor.limit(descriptor),
        Descriptor.attributes(descriptor));
  }

  /** Makes {@link #NEXT_STACK} the stack. */
  void takeNextStack() {
    set(SS, selectors[NEXT_STACK], bases[NEXT_STACK], limits[NEXT_STACK], attributes[NEXT_STACK]);
  }

  /** Loads a null selector: the segment becomes unusable outside 64-bit mode. */
  public void setNull(int segment, int selector, long base) {
    set(segment, selector, base, 0, UNUSABLE);
  }

  /**
   * Returns the linear address of {@code offset} for an access of 16- or 32-bit code, after the
   * checks of limit and type.
   */
  public long legacyLinear(int segment, long offset, int byteSize, boolean write) {
    if (!allows(segment, offset, byteSize, write)) {
      throw segment == SS ? fault.stack(0) : fault.protection(0);
    }
    return bases[segment] + offset & 0xFFFF_FFFFL;
  }

  /** Returns whether limit and type allow an access of 16- or 32-bit code. */
  boolean allows(int segment, long offset, int byteSize, boolean write) {
    int attribute = attributes[segment];
    return (attribute & UNUSABLE) == 0
        && typeAllows(attribute, write)
        && !outsideLimit(segment, offset, byteSize);
  }

  private static boolean typeAllows(int attribute, boolean write) {
    boolean code = (attribute & TYPE_CODE) != 0;
    boolean readWrite = (attribute & TYPE_READ_WRITE) != 0;
    return write ? !code && readWrite : !code || readWrite;
  }

  private boolean outsideLimit(int segment, long offset, int byteSize) {
    int attribute = attributes[segment];
    long last = offset + byteSize - 1;
    if ((attribute & (TYPE_CODE | TYPE_EXPAND_DOWN)) == TYPE_EXPAND_DOWN) {
      long top = (attribute & BIG) != 0 ? 0xFFFF_FFFFL : 0xFFFF;
      return offset <= limits[segment] || last > top;
    }
    return last > limits[segment];
  }
}
