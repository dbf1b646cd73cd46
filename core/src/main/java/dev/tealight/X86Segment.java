// SPDX-License-Identifier: ISC
package dev.tealight;

/**
 * A segment register with its hidden part, as the processor caches it.
 *
 * @param selector 16 bits
 * @param base linear address of byte 0
 * @param limit last valid offset in bytes, 32 bits, unsigned, granularity already applied
 * @param attributes bits 0-3 type, 4 S, 5-6 DPL, 7 P, 12 AVL, 13 L, 14 DB, 15 G, 16 unusable
 * @see "Intel SDM volume 3, 25.4.1 (guest register state, access rights)"
 */
public record X86Segment(int selector, long base, int limit, int attributes) {

  /** A segment that is not there: what the LDT register holds at start. */
  public static final X86Segment UNUSABLE = new X86Segment(0, 0, 0, 1 << 16);

  /** The segment registers of {@link X86CpuState}. */
  public enum Name {
    /** Code. */
    CS,
    /** Data. */
    DS,
    /** Extra. */
    ES,
    /** Extra, used for thread-local storage. */
    FS,
    /** Extra. */
    GS,
    /** Stack. */
    SS,
    /** Task register. */
    TR,
    /** Local descriptor table register. */
    LDTR
  }

  /** {@return the descriptor type, 0 to 15} */
  public int type() {
    return attributes & 0xf;
  }

  /** {@return true for a code or data segment, false for a system segment} */
  public boolean isCodeOrData() {
    return bit(4);
  }

  /** {@return the descriptor privilege level, 0 to 3} */
  public int privilegeLevel() {
    return attributes >>> 5 & 3;
  }

  /** {@return whether the segment is present} */
  public boolean isPresent() {
    return bit(7);
  }

  /** {@return the bit that is left to software} */
  public boolean isAvailable() {
    return bit(12);
  }

  /** {@return whether this is a 64-bit code segment} */
  public boolean isLong() {
    return bit(13);
  }

  /** {@return whether operands and stack are 32 bits wide by default} */
  public boolean isBig() {
    return bit(14);
  }

  /** {@return whether the limit was given in pages} */
  public boolean isPageGranular() {
    return bit(15);
  }

  /** {@return whether the register holds nothing usable} */
  public boolean isUnusable() {
    return bit(16);
  }

  private boolean bit(int n) {
    return (attributes >>> n & 1) != 0;
  }
}
