// SPDX-License-Identifier: ISC
package dev.tealight.spi;

import dev.tealight.device.DeviceConfig;
import java.util.List;
import java.util.Map;

/**
 * Makes the devices of a module known to programs that name them in text, such as a command line.
 * Found by {@link java.util.ServiceLoader}; nothing else of the module is loaded until it is asked
 * for a configuration.
 */
public interface DeviceProvider {

  /** {@return the manifest's word for the devices it makes, for instance {@code BLOCK_BASIC}} */
  String type();

  /** {@return the options it understands; the first one attaches a device, the others refine it} */
  List<Option> options();

  /**
   * Makes a configuration.
   *
   * @param name the device's name
   * @param values by {@link Option#name}; holds at least the first option
   * @return the configuration
   * @throws dev.tealight.ConfigurationException if a value cannot be; names option and value
   */
  DeviceConfig configure(String name, Map<String, String> values);

  /**
   * An option, written {@code --name:DEVICE=VALUE} on a command line.
   *
   * @param name for instance {@code block-sector-size}
   * @param valueLabel for the help text, for instance {@code BYTES}
   * @param help one sentence
   */
  record Option(String name, String valueLabel, String help) {}
}
