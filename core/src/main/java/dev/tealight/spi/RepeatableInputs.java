// SPDX-License-Identifier: ISC
package dev.tealight.spi;

import dev.tealight.Entropy;
import dev.tealight.TimeSource;

/**
 * Clocks and random numbers that follow from what the guest executes, not from the host: offered by
 * a vCPU whose runs can be repeated exactly. A monitor uses them where the embedder has not set his
 * own.
 */
public non-sealed interface RepeatableInputs extends VcpuAbility {

  /**
   * {@return the guest's clocks; a wait of the guest moves them to the wait's deadline instead of
   * taking time}
   */
  TimeSource time();

  /** {@return the random bytes for devices} */
  Entropy entropy();
}
