// SPDX-License-Identifier: ISC
package dev.tealight;

import dev.tealight.spi.GuestArchitecture;

/**
 * What runs guests on this host, opened once and shared by any number of VMs: it owns what is per
 * host, such as the device descriptor and what was probed.
 *
 * <p>Any thread may use it. Whoever opened it closes it, after the VMs it made; closing with VMs
 * still open throws {@link IllegalStateException} and changes nothing.
 */
public interface Hypervisor extends AutoCloseable {

  /** {@return the backend's name, for instance {@code kvm}} */
  String name();

  /** {@return one line on what was found and chosen on this host, for people} */
  String description();

  /** {@return the instruction set of its guests} */
  GuestArchitecture architecture();

  /**
   * Creates a VM without vCPUs, its memory zero-filled and unrestricted.
   *
   * @param options size and backing of its memory
   * @return a VM that the caller closes
   * @throws HostCallException if the host refuses
   */
  Vm createVm(VmOptions options);

  /**
   * {@return a new waiter of the kind that suits this host; the caller closes it}
   *
   * @throws HostCallException if the host refuses
   */
  Waiter createWaiter();

  @Override
  void close();
}
