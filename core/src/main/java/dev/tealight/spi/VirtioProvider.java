// SPDX-License-Identifier: ISC
package dev.tealight.spi;

import dev.tealight.device.DeviceContext;
import dev.tealight.device.PciBus;
import dev.tealight.device.VirtioTransport;

/**
 * Makes virtio functions of devices. Found by {@link java.util.ServiceLoader} when the first device
 * asks for one.
 */
public interface VirtioProvider {

  /**
   * {@return the transport for one device}
   *
   * @param context of the device
   * @param bus where its function goes
   */
  VirtioTransport create(DeviceContext context, PciBus bus);
}
