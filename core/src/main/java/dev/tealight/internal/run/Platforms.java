// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import dev.tealight.ConfigurationException;
import dev.tealight.TimeSource;
import dev.tealight.device.DeviceContext;
import dev.tealight.device.GuestCallRegistry;
import dev.tealight.device.PciBus;
import dev.tealight.device.VirtioTransport;
import dev.tealight.spi.ConsoleOutput;
import dev.tealight.spi.HostedChips;
import dev.tealight.spi.Platform;
import dev.tealight.spi.PlatformProvider;
import dev.tealight.spi.VirtioProvider;
import java.util.Optional;
import java.util.ServiceLoader;

/** Finds what only some guests need. Nothing here is loaded for the others. */
final class Platforms {
  private Platforms() {}

  static Platform create(
      String name,
      GuestCallRegistry registry,
      TimeSource time,
      ConsoleOutput console,
      Optional<HostedChips> chips) {
    for (PlatformProvider provider : load(PlatformProvider.class)) {
      if (provider.name().equals(name)) {
        return provider.create(registry, time, console, chips);
      }
    }
    throw missing("the platform " + name, "dev.tealight.device." + name);
  }

  static VirtioTransport virtio(DeviceContext context, PciBus bus) {
    return load(VirtioProvider.class)
        .findFirst()
        .orElseThrow(
            () ->
                missing(
                    "virtio for device %s".formatted(context.name()), "dev.tealight.device.virtio"))
        .create(context, bus);
  }

  private static <T> ServiceLoader<T> load(Class<T> provider) {
    return ServiceLoader.load(provider, Platforms.class.getClassLoader());
  }

  private static ConfigurationException missing(String what, String module) {
    return new ConfigurationException(
        "the image needs %s: add the module %s".formatted(what, module));
  }
}
