// SPDX-License-Identifier: ISC
package dev.tealight.device;

/** Where handlers are registered, before the guest runs. Every range has one owner. */
public interface GuestCallRegistry {

  /** How many hypercall numbers there are: 0 to 255. */
  int HYPERCALL_COUNT = 256;

  /**
   * Registers a hypercall.
   *
   * @param nr 0 to {@link #HYPERCALL_COUNT}, exclusive
   * @param owner for messages: who serves it, for instance {@code BLOCK_READ}
   * @param handler serves it
   * @throws dev.tealight.ConfigurationException if the number is taken; names both owners
   */
  void hypercall(int nr, String owner, GuestCallHandler handler);

  /**
   * Registers ports of the I/O space, for reads and writes of any width that start in the range.
   *
   * @param first lowest port, 0 to 0xffff
   * @param count number of ports, at least 1
   * @param owner for messages
   * @param handler serves them
   * @throws dev.tealight.ConfigurationException if a port is taken; names both owners
   */
  void ports(int first, int count, String owner, GuestCallHandler handler);

  /**
   * Registers addresses outside guest memory, for reads and writes of any width that start in the
   * range.
   *
   * @param gpa first address, below 2<sup>63</sup>
   * @param byteSize at least 1
   * @param owner for messages
   * @param handler serves them
   * @throws dev.tealight.ConfigurationException if an address is taken; names both owners
   */
  void mmio(long gpa, long byteSize, String owner, GuestCallHandler handler);
}
