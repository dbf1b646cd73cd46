// SPDX-License-Identifier: ISC
package dev.tealight.build;

import dev.tealight.ConfigurationException;
import dev.tealight.build.MonitorPlan.LinkedModule;
import dev.tealight.spi.BootImage.DeclaredDevice;
import dev.tealight.spi.DeviceProvider;
import dev.tealight.spi.HypervisorProvider;
import dev.tealight.spi.PlatformProvider;
import dev.tealight.spi.VirtioProvider;
import java.io.File;
import java.lang.module.Configuration;
import java.lang.module.FindException;
import java.lang.module.ModuleDescriptor.Requires;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.lang.module.ResolvedModule;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The modules on the module and class path of this program, which monitors are made of. */
final class InstalledModules {
  static final String LAUNCH = "dev.tealight.launch";
  static final String OPTIONS = "dev.tealight.options";
  static final String NATIVE_ACCESS = "dev.tealight.ffi.posix";

  private final Map<String, ModuleReference> references = new TreeMap<>();

  InstalledModules() {
    for (String property : List.of("jdk.module.path", "java.class.path")) {
      for (String entry : System.getProperty(property, "").split(File.pathSeparator, -1)) {
        if (!entry.isEmpty()) {
          add(Path.of(entry));
        }
      }
    }
  }

  private void add(Path entry) {
    try {
      for (ModuleReference reference : ModuleFinder.of(entry).findAll()) {
        // The first one counts, as it does for Java. An automatic module cannot be linked.
        if (!reference.descriptor().isAutomatic()) {
          references.putIfAbsent(reference.descriptor().name(), reference);
        }
      }
    } catch (FindException e) {
      // Not a module, as is usual on a class path; if it is needed, it is missed by its name.
    }
  }

  /**
   * {@return the module of a backend}
   *
   * @param backend its name
   * @throws ConfigurationException if it is not installed; lists those that are
   */
  String ofBackend(String backend) {
    List<String> names = new ArrayList<>();
    for (HypervisorProvider provider : ServiceLoader.load(HypervisorProvider.class)) {
      if (provider.name().equals(backend)) {
        return owner(provider, "backend " + backend);
      }
      names.add(provider.name());
    }
    throw new ConfigurationException(
        "backend %s is not installed, there is: %s; add its module to the module path"
            .formatted(backend, names.isEmpty() ? "none" : String.join(", ", names)));
  }

  /**
   * {@return the module that makes a device}
   *
   * @param image for messages
   * @param device as the image declares it
   * @throws ConfigurationException if there is none
   */
  String ofDevice(Path image, DeclaredDevice device) {
    List<String> types = new ArrayList<>();
    for (DeviceProvider provider : ServiceLoader.load(DeviceProvider.class)) {
      if (provider.type().equals(device.type())) {
        return owner(provider, "device " + device.name());
      }
      types.add(provider.type());
    }
    Collections.sort(types);
    String remedy =
        switch (device.type()) {
          case "BLOCK_BASIC" -> "add tealight-device-block to the module path";
          case "NET_BASIC" -> "add tealight-device-net to the module path";
          default -> "add a module that provides it to the module path";
        };
    throw new ConfigurationException(
        "image %s declares device %s of type %s, which no installed module makes (they make: %s): %s"
            .formatted(
                image,
                device.name(),
                device.type(),
                types.isEmpty() ? "nothing" : String.join(", ", types),
                remedy));
  }

  /**
   * {@return the module that makes a platform}
   *
   * @param image for messages
   * @param platform its name
   * @throws ConfigurationException if there is none
   */
  String ofPlatform(Path image, String platform) {
    for (PlatformProvider provider : ServiceLoader.load(PlatformProvider.class)) {
      if (provider.name().equals(platform)) {
        return owner(provider, "platform " + platform);
      }
    }
    throw missing(image, "the platform " + platform, platform);
  }

  /**
   * {@return the module that shows devices to guests on a platform}
   *
   * @param image for messages
   * @throws ConfigurationException if there is none
   */
  String ofVirtio(Path image) {
    return ServiceLoader.load(VirtioProvider.class)
        .findFirst()
        .map(provider -> owner(provider, "virtio"))
        .orElseThrow(() -> missing(image, "virtio devices", "virtio"));
  }

  private static ConfigurationException missing(Path image, String what, String module) {
    return new ConfigurationException(
        "image %s needs %s, which no installed module makes: add tealight-device-%s to the module path"
            .formatted(image, what, module));
  }

  private String owner(Object provider, String what) {
    String type = provider.getClass().getName();
    return references.values().stream()
        .filter(
            reference ->
                reference.descriptor().provides().stream()
                    .anyMatch(provides -> provides.providers().contains(type)))
        .map(reference -> reference.descriptor().name())
        .findFirst()
        .orElseThrow(
            () ->
                new ConfigurationException(
                    "%s comes from %s, which belongs to no module: only modules can be linked"
                        .formatted(what, type)));
  }

  /**
   * {@return all modules that are linked, with those that others require}
   *
   * @param roots each with the reason why it is in
   * @throws ConfigurationException if one is missing; names it
   */
  List<LinkedModule> closure(Map<String, String> roots) {
    Configuration configuration;
    try {
      configuration =
          Configuration.empty()
              .resolve(ModuleFinder.of(paths()), ModuleFinder.ofSystem(), roots.keySet());
    } catch (FindException e) {
      throw new ConfigurationException(
          "a module is missing: %s; add it to the module path".formatted(e.getMessage()), e);
    }
    List<LinkedModule> modules = new ArrayList<>();
    configuration.modules().stream()
        .map(ResolvedModule::name)
        .sorted()
        .forEach(name -> modules.add(new LinkedModule(name, reason(name, roots, configuration))));
    return modules;
  }

  private static String reason(
      String name, Map<String, String> roots, Configuration configuration) {
    String own = roots.get(name);
    if (own != null) {
      return own;
    }
    String users =
        configuration.modules().stream()
            .filter(
                user ->
                    user.reference().descriptor().requires().stream()
                        .anyMatch(
                            requires ->
                                requires.name().equals(name)
                                    && !requires.modifiers().contains(Requires.Modifier.STATIC)))
            .map(ResolvedModule::name)
            .sorted()
            .collect(Collectors.joining(", "));
    return "required by " + users;
  }

  /** {@return where the modules are, as the module path for linking} */
  Path[] paths() {
    Map<String, Path> paths = new LinkedHashMap<>();
    for (ModuleReference reference : references.values()) {
      reference
          .location()
          .ifPresent(place -> paths.put(reference.descriptor().name(), Path.of(place)));
    }
    return paths.values().toArray(Path[]::new);
  }
}
