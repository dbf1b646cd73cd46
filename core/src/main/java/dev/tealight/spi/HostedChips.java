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
   * Sets the level of a line; harmless if it has that level. A line that goes up before the guest
   * has initialized the interrupt controllers, and down after it, may never interrupt again. Where
   * the VM is reset, as a backend may do to run a guest on that had halted for good, all lines are
   * low and the controllers not initialized.
   *
   * @param line 0 to 15
   * @param asserted whether an interrupt is asked for
   * @throws dev.tealight.HostCallException if the host refuses
   */
  void setLevel(int line, boolean asserted);

  /**
   * Sets the clock, which runs on from there.
   *
   * @param epochSeconds seconds since 1970-01-01T00:00:00Z, at least 0
   * @throws dev.tealight.HostCallException if the host refuses
   */
  void setClock(long epochSeconds);
}
