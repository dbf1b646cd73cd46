// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

/** Every input of the processor that is not guest state: injected, so that runs can be repeated. */
public interface Environment {
  /**
   * Returns the time-stamp counter.
   *
   * @param retired instructions executed so far, for a clock that counts them
   */
  long timestamp(long retired);

  /** Returns 64 random bits, for RDRAND and RDSEED. */
  long random();
}
