// SPDX-License-Identifier: ISC
package dev.tealight.device;

import dev.tealight.ReadinessSource;

/**
 * A PCI device with one range of I/O ports. As a handler it serves accesses to them; the range
 * starts at a multiple of its size, so the low bits of {@link dev.tealight.ExitFrame#address} are
 * the offset in it.
 */
public interface PciFunction extends GuestCallHandler {

  /**
   * What the guest reads of a function's identity.
   *
   * @param vendorId 16 bits
   * @param deviceId 16 bits
   * @param subsystemId 16 bits; the subsystem's vendor is {@code vendorId}
   * @param classCode 24 bits: class, subclass, interface
   */
  record Identity(int vendorId, int deviceId, int subsystemId, int classCode) {}

  /** {@return what it is} */
  Identity identity();

  /** {@return how many ports it has: a power of two, 4 to 64} */
  int portCount();

  /**
   * Takes what came from outside since the last time. vCPU thread only; does a bounded amount.
   *
   * @param halted whether the guest sleeps until an interrupt: what finds no room now is dropped,
   *     so that it does not keep the thread awake
   */
  default void poll(boolean halted) {}

  /**
   * {@return whether {@link #poll} would take something from a source, were it ready} While it
   * would not, nobody waits for the source where a halted guest sleeps in the hypervisor: a
   * function that takes from sources has to override this, or its guest sleeps on there. The answer
   * may change with each access of the guest to this function. vCPU thread only; allocates nothing.
   *
   * @param source of any device on the bus
   */
  default boolean takesFrom(ReadinessSource source) {
    return false;
  }
}
