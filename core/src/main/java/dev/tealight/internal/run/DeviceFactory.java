// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import dev.tealight.ConfigurationException;
import dev.tealight.device.Device;
import dev.tealight.internal.host.CloseStack;
import dev.tealight.internal.run.MachineSpec.Configured;
import dev.tealight.internal.run.MachineSpec.Existing;
import dev.tealight.spi.BootImage;
import dev.tealight.spi.BootImage.DeclaredDevice;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Makes the devices that were attached as configurations, and checks all of them against the
 * manifest.
 */
final class DeviceFactory {
  private DeviceFactory() {}

  static Map<String, Device> create(MachineSpec spec, BootImage image, CloseStack resources) {
    Map<String, Device> devices = new HashMap<>();
    for (DeclaredDevice declared : image.devices()) {
      String name = declared.name();
      Device device =
          switch (Objects.requireNonNull(spec.devices().get(name))) {
            case Existing existing -> existing.device();
            case Configured configured -> {
              Device made = configured.config().create(name);
              resources.push(made::close);
              yield made;
            }
          };
      if (!device.type().equals(declared.type())) {
        throw new ConfigurationException(
            "device %s is declared by %s with type %s but attached with type %s; its manifest has %s"
                .formatted(name, spec.name(), declared.type(), device.type(), manifest(image)));
      }
      devices.put(name, device);
    }
    return devices;
  }

  /** {@return what an image declares, for messages} */
  static String manifest(BootImage image) {
    return image.devices().isEmpty()
        ? "no devices"
        : image.devices().stream()
            .map(device -> "%s (%s)".formatted(device.name(), device.type()))
            .collect(Collectors.joining(", "));
  }
}
