// SPDX-License-Identifier: ISC
package dev.tealight.spi;

/**
 * A PC's interrupt controllers, timer and clock, which the hypervisor has of its own in every VM
 * and serves without the monitor. It delivers their interrupts; a guest that halts with interrupts
 * enabled sleeps in the hypervisor until one comes or its vCPU is kicked, and goes on behind the
 * halt in both cases. Their time is the host's. vCPU thread only.
 */
public non-sealed interface HostedChips extends VmAbility {

  /**
   * Makes a line of the interrupt controllers level-triggered, as those of PCI are.
   *
   * @param line 0 to 15
   * @throws dev.tealight.HostCallException if the host refuses, as it does for lines that know no
   *     other mode than edges
   */
  void levelTrigger(int line);

  /**
   * Changes the level of a line. The hypervisor counts: a line must not be set to the level that it
   * has.
   *
   * @param line 0 to 15
   * @param asserted whether an interrupt is asked for
   * @throws dev.tealight.HostCallException if the host refuses
   */
  void setLevel(int line, boolean asserted);

  /**
   * Sets the clock, which runs on from there.
   *
   * @param epochSeconds seconds since 1970-01-01T00:00:00Z
   * @throws dev.tealight.HostCallException if the host refuses
   */
  void setClock(long epochSeconds);
}
