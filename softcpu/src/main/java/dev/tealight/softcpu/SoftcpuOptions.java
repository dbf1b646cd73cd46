// SPDX-License-Identifier: ISC
package dev.tealight.softcpu;

import dev.tealight.BackendOptions;

/**
 * Options of the software CPU. Immutable.
 *
 * @param virtualTime whether clocks follow from what the guest does: each instruction takes a
 *     nanosecond, a wait with a deadline none of the host's time, and the wall clock starts at
 *     2026-01-01T00:00:00Z. Two runs of one image with the same inputs are then equal. Otherwise
 *     they are the host's
 * @param seed what RDRAND, RDSEED and the random bytes of devices start from in virtual time;
 *     otherwise they are the host's strong random numbers
 * @param translating whether code that runs often is translated to JVM bytecode; what a guest
 *     computes does not depend on it
 */
public record SoftcpuOptions(boolean virtualTime, long seed, boolean translating)
    implements BackendOptions {

  /** The name of this backend. */
  public static final String BACKEND = "softcpu";

  /** {@return options with the host's clock and the host's random numbers} */
  public static SoftcpuOptions defaults() {
    return new SoftcpuOptions(false, 0, true);
  }

  /**
   * {@return options with which runs can be repeated exactly}
   *
   * @param seed any value; another one gives other random numbers
   */
  public static SoftcpuOptions repeatable(long seed) {
    return new SoftcpuOptions(true, seed, true);
  }

  /** {@return the same without translation: slower, for comparison} */
  public SoftcpuOptions interpreting() {
    return new SoftcpuOptions(virtualTime, seed, false);
  }

  @Override
  public String backend() {
    return BACKEND;
  }
}
