// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.vm;

/**
 * Numbers that follow from a seed: SplitMix64, whose whole state is one number. Nothing about them
 * is secret. Any thread may use it.
 */
final class SeededNumbers {
  private static final long STEP = 0x9E37_79B9_7F4A_7C15L;

  private long state;

  SeededNumbers(long seed) {
    state = seed;
  }

  synchronized long next() {
    state += STEP;
    long mixed = (state ^ state >>> 30) * 0xBF58_476D_1CE4_E5B9L;
    mixed = (mixed ^ mixed >>> 27) * 0x94D0_49BB_1331_11EBL;
    return mixed ^ mixed >>> 31;
  }

  synchronized void fill(byte[] bytes) {
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (next() >>> 56);
    }
  }

  synchronized long state() {
    return state;
  }

  synchronized void state(long newState) {
    state = newState;
  }
}
