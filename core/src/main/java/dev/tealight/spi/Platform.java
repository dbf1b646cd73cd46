// SPDX-License-Identifier: ISC
package dev.tealight.spi;

import dev.tealight.ReadinessSource;
import dev.tealight.Waiter;
import dev.tealight.device.PciBus;

/**
 * The chips that guests of some formats expect around their processor: interrupt controller, timer,
 * bus. vCPU thread only.
 */
public interface Platform {

  /** {@return where devices put their functions} */
  PciBus pci();

  /**
   * {@return whether the interrupt controller asks for the processor; not asked where the
   * hypervisor has it} Asked before every entry to the guest: allocates nothing.
   */
  boolean hasInterrupt();

  /**
   * Hands over an interrupt, as the processor's acknowledge cycle does.
   *
   * @return its vector, 0 to 255
   */
  int acknowledgeInterrupt();

  /**
   * {@return when a timer will ask for an interrupt, on {@link
   * dev.tealight.TimeSource#monotonicNanos}'s scale, or {@link Waiter#NO_DEADLINE}}
   */
  long nextEventNanos();

  /**
   * Lets devices take what came from outside. Called when the guest halts, when its wait ends, and
   * after a kick.
   *
   * @param halted whether the guest sleeps until an interrupt
   */
  void poll(boolean halted);

  /**
   * {@return whether something would take what comes from a source now} Asked before entries to the
   * guest: allocates nothing.
   *
   * @param source of a device on the bus
   */
  boolean takesFrom(ReadinessSource source);
}
