// SPDX-License-Identifier: ISC
package dev.tealight.options;

import dev.tealight.device.DeviceConfig;
import dev.tealight.spi.DeviceProvider;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;

/**
 * Turns the options for devices into their configurations, by what the installed modules of devices
 * offer. One thread.
 */
public final class DeviceOptions {

  /** The options of one device so far. */
  private record Attachment(DeviceProvider provider, Map<String, String> values) {}

  private final List<DeviceProvider> providers = new ArrayList<>();

  /** Looks for the installed modules. */
  public DeviceOptions() {
    ModuleLayer layer = DeviceOptions.class.getModule().getLayer();
    ServiceLoader<DeviceProvider> found =
        layer != null
            ? ServiceLoader.load(layer, DeviceProvider.class)
            : ServiceLoader.load(DeviceProvider.class, DeviceOptions.class.getClassLoader());
    found.forEach(providers::add);
  }

  /** {@return what is installed} */
  public List<DeviceProvider> providers() {
    return providers;
  }

  /**
   * Makes the configurations.
   *
   * @param options in any order
   * @return by the device's name, in the order in which they were first named
   * @throws UsageException if nobody understands an option, or a device is attached twice or not
   * @throws dev.tealight.ConfigurationException if a value cannot be
   */
  public Map<String, DeviceConfig> configure(List<DeviceOption> options) throws UsageException {
    Map<String, Attachment> attachments = new LinkedHashMap<>();
    for (DeviceOption option : options) {
      DeviceProvider provider = providerOf(option);
      Attachment attachment = attachments.get(option.device());
      if (attachment == null) {
        attachment = new Attachment(provider, new HashMap<>());
        attachments.put(option.device(), attachment);
      }
      boolean attaches = option.option().equals(attachingOption(provider));
      if (!attachment.provider().type().equals(provider.type())
          || (attachment.values().put(option.option(), option.value()) != null && attaches)) {
        throw new UsageException(
            "invalid option: %s: device %s is attached already".formatted(option, option.device()));
      }
    }
    Map<String, DeviceConfig> configs = new LinkedHashMap<>();
    for (Map.Entry<String, Attachment> entry : attachments.entrySet()) {
      configs.put(entry.getKey(), configure(entry.getKey(), entry.getValue()));
    }
    return configs;
  }

  private static DeviceConfig configure(String name, Attachment attachment) throws UsageException {
    String attaching = attachingOption(attachment.provider());
    if (!attachment.values().containsKey(attaching)) {
      throw new UsageException(
          "device %s is not attached: add --%s:%s=%s"
              .formatted(
                  name, attaching, name, attachment.provider().options().getFirst().valueLabel()));
    }
    return attachment.provider().configure(name, attachment.values());
  }

  private static String attachingOption(DeviceProvider provider) {
    return provider.options().getFirst().name();
  }

  private DeviceProvider providerOf(DeviceOption option) throws UsageException {
    for (DeviceProvider provider : providers) {
      for (DeviceProvider.Option known : provider.options()) {
        if (known.name().equals(option.option())) {
          return provider;
        }
      }
    }
    throw new UsageException(
        switch (option.option()) {
          case "block", "block-sector-size", "net", "net-mac" ->
              "invalid option: %s: the module dev.tealight.device.%s is not installed"
                  .formatted(option, option.option().startsWith("net") ? "net" : "block");
          default -> "invalid option: " + option;
        });
  }
}
