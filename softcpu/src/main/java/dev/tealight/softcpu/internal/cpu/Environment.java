// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

/** Every input of the processor that is not guest state: injected, so that runs can be repeated. */
public interface Environment {
  /**
   * Two, since some guests keep nanoseconds for each tick as a 32-bit fraction, which overflows if
   * they measure a frequency of 1 GHz or the least bit below.
   */
  int TICKS_PER_NANO = 2;

  /** The speed of the time-stamp counter. */
  long FREQUENCY_HZ = 1_000_000_000L * TICKS_PER_NANO;

  /**
   * Returns the time-stamp counter.
   *
   * @param retired instructions executed so far, for a clock that counts them
   */
  long timestamp(long retired);

  /** Returns 64 random bits, for RDRAND and RDSEED. */
  long random();
}
