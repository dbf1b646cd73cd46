// SPDX-License-Identifier: ISC
package dev.tealight.device;

/** A line to the interrupt controller. vCPU thread only. */
@FunctionalInterface
public interface InterruptLine {

  /**
   * Sets the level of the line.
   *
   * @param asserted whether this function asks for an interrupt, until it takes that back
   */
  void set(boolean asserted);
}
