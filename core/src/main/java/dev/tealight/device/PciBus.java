// SPDX-License-Identifier: ISC
package dev.tealight.device;

/** A PCI bus while its machine is made. */
public interface PciBus {

  /**
   * Puts a function into the next slot, so that guests find functions in the order in which they
   * were attached. Its ports and its interrupt line are assigned already, as firmware would.
   *
   * @param owner for messages
   * @param function what the guest finds there
   * @return the line of its interrupt
   * @throws dev.tealight.ConfigurationException if all slots are taken
   */
  InterruptLine attach(String owner, PciFunction function);
}
