// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

/** XMM registers and MXCSR. */
public final class Sse {
  public static final int RESET_MXCSR = 0x1F80;

  /** Bits MXCSR has; setting another one faults. */
  public static final int MXCSR_MASK = 0xFFFF;

  /** Low and high half of each register, side by side. */
  public final long[] xmm = new long[32];

  public int mxcsr = RESET_MXCSR;

  public long low(int register) {
    return xmm[register * 2];
  }

  public long high(int register) {
    return xmm[register * 2 + 1];
  }

  public void low(int register, long value) {
    xmm[register * 2] = value;
  }

  public void high(int register, long value) {
    xmm[register * 2 + 1] = value;
  }

  /** Sets the lowest 4 bytes, keeping the rest. */
  public void low32(int register, int value) {
    xmm[register * 2] = (xmm[register * 2] & ~0xFFFF_FFFFL) | (value & 0xFFFF_FFFFL);
  }

  public int lane32(int register, int lane) {
    return (int) (xmm[register * 2 + (lane >>> 1)] >>> ((lane & 1) * 32));
  }

  public void lane32(int register, int lane, int value) {
    int slot = register * 2 + (lane >>> 1);
    int shift = (lane & 1) * 32;
    xmm[slot] = (xmm[slot] & ~(0xFFFF_FFFFL << shift)) | (value & 0xFFFF_FFFFL) << shift;
  }

  public void set(int register, long low, long high) {
    xmm[register * 2] = low;
    xmm[register * 2 + 1] = high;
  }
}
