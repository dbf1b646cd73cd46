// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

/** Fields of an 8-byte segment or gate descriptor (Intel SDM volume 3, sections 3.4.5 and 6.11). */
public final class Descriptor {
  public static final int TYPE_TSS_AVAILABLE = 9;
  public static final int TYPE_TSS_BUSY = 11;
  public static final int TYPE_LDT = 2;
  public static final int TYPE_INTERRUPT_GATE = 14;
  public static final int TYPE_TRAP_GATE = 15;
  public static final int TYPE_INTERRUPT_GATE_16 = 6;
  public static final int TYPE_TRAP_GATE_16 = 7;

  private Descriptor() {}

  public static long base(long descriptor) {
    return (descriptor >>> 16 & 0xFF_FFFFL) | (descriptor >>> 56) << 24;
  }

  public static long limit(long descriptor) {
    long limit = (descriptor & 0xFFFF) | (descriptor >>> 32 & 0xF_0000);
    return (descriptor >>> 55 & 1) != 0 ? limit << 12 | 0xFFF : limit;
  }

  /** Returns type, S, DPL, P, AVL, L, D/B and G as an access-rights word. */
  public static int attributes(long descriptor) {
    return (int) (descriptor >>> 40) & 0xF0FF;
  }

  public static int type(long descriptor) {
    return (int) (descriptor >>> 40) & 15;
  }

  public static boolean isSystem(long descriptor) {
    return (descriptor >>> 44 & 1) == 0;
  }

  public static boolean isCode(long descriptor) {
    return !isSystem(descriptor) && (type(descriptor) & 8) != 0;
  }

  public static boolean isConforming(long descriptor) {
    return (type(descriptor) & 4) != 0;
  }

  /** Returns whether a data segment may be written or a code segment may be read. */
  public static boolean isWritableOrReadable(long descriptor) {
    return (type(descriptor) & 2) != 0;
  }

  public static int privilege(long descriptor) {
    return (int) (descriptor >>> 45) & 3;
  }

  public static boolean isPresent(long descriptor) {
    return (descriptor >>> 47 & 1) != 0;
  }

  public static boolean isLong(long descriptor) {
    return (descriptor >>> 53 & 1) != 0;
  }

  public static boolean isBig(long descriptor) {
    return (descriptor >>> 54 & 1) != 0;
  }

  public static int gateSelector(long descriptor) {
    return (int) (descriptor >>> 16) & 0xFFFF;
  }

  public static long gateOffset(long descriptor) {
    return (descriptor & 0xFFFF) | (descriptor >>> 32 & 0xFFFF_0000L);
  }

  public static int gateStackTable(long descriptor) {
    return (int) (descriptor >>> 32) & 7;
  }
}
