// SPDX-License-Identifier: ISC
package dev.tealight.device;

/**
 * How to make a device: what an embedder gives to a monitor instead of a {@link Device}. Immutable,
 * reusable.
 */
@FunctionalInterface
public interface DeviceConfig {

  /**
   * Makes the device: opens its files, checks its options. Called when the monitor is built, before
   * any VM exists.
   *
   * @param name the manifest's name of the device, for messages
   * @return a device that the caller closes
   * @throws dev.tealight.ConfigurationException if the options cannot be
   * @throws dev.tealight.DeviceException if the host refuses; names the device
   */
  Device create(String name);
}
