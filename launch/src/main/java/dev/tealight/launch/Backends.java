// SPDX-License-Identifier: ISC
package dev.tealight.launch;

import dev.tealight.BackendOptions;
import dev.tealight.ConfigurationException;
import dev.tealight.Hypervisor;
import dev.tealight.HypervisorUnavailableException;
import dev.tealight.spi.Availability;
import dev.tealight.spi.HypervisorProvider;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;

/**
 * The backends that are packaged with the program. As {@link dev.tealight.Hypervisors}, but on the
 * module path it looks at modules alone, which spares opening every jar once more.
 */
public final class Backends {
  private final List<HypervisorProvider> providers = new ArrayList<>();

  /** Looks for the installed backends. */
  public Backends() {
    ModuleLayer layer = Backends.class.getModule().getLayer();
    ServiceLoader<HypervisorProvider> found =
        layer != null
            ? ServiceLoader.load(layer, HypervisorProvider.class)
            : ServiceLoader.load(HypervisorProvider.class, Backends.class.getClassLoader());
    for (HypervisorProvider provider : found) {
      int at = providers.size();
      while (at > 0 && place(providers.get(at - 1)) > place(provider)) {
        at--;
      }
      providers.add(at, provider);
    }
  }

  private static int place(HypervisorProvider provider) {
    return provider.preference().orElse(Integer.MAX_VALUE);
  }

  /** {@return all of them, in the order in which they are tried} */
  public List<HypervisorProvider> providers() {
    return providers;
  }

  /**
   * Opens a backend.
   *
   * @param name which, or null for the first that can run guests here
   * @param options for that backend, or none for its defaults
   * @return a hypervisor that the caller closes
   * @throws ConfigurationException if there is none of this name
   * @throws HypervisorUnavailableException if it cannot run guests here, or none can; says why
   */
  public Hypervisor open(@Nullable String name, Optional<? extends BackendOptions> options) {
    StringBuilder reasons = new StringBuilder();
    StringBuilder names = new StringBuilder();
    for (HypervisorProvider provider : providers) {
      names.append(names.isEmpty() ? "" : ", ").append(provider.name());
      if (provider.name().equals(name)) {
        return provider.open(options);
      }
      if (name == null && provider.preference().isPresent()) {
        try {
          return provider.open(Optional.empty());
        } catch (HypervisorUnavailableException e) {
          reasons.append(reasons.isEmpty() ? "" : "; ").append(e.getMessage());
        }
      }
    }
    if (name != null) {
      throw new ConfigurationException(
          "backend %s is not installed, there is: %s"
              .formatted(name, names.isEmpty() ? "none" : names));
    }
    throw new HypervisorUnavailableException(
        "no backend can run guests here: " + (reasons.isEmpty() ? "none is installed" : reasons));
  }

  /**
   * {@return why a backend cannot be used, without its name in front, for a line that begins with
   * it}
   *
   * @param provider of the backend
   * @param unavailable what it said
   */
  public static String reason(HypervisorProvider provider, Availability.Unavailable unavailable) {
    String prefix = provider.name() + ": ";
    String reason = unavailable.reason();
    return reason.startsWith(prefix) ? reason.substring(prefix.length()) : reason;
  }

  /**
   * {@return why each other backend was not chosen, a line each}
   *
   * @param chosen the one that was
   */
  public List<String> passedOver(Hypervisor chosen) {
    List<String> lines = new ArrayList<>();
    boolean before = true;
    for (HypervisorProvider provider : providers) {
      if (provider.name().equals(chosen.name())) {
        before = false;
        continue;
      }
      String why =
          switch (provider.availability()) {
            case Availability.Unavailable unavailable -> reason(provider, unavailable);
            case Availability.Available available ->
                provider.preference().isEmpty()
                    ? "it is only taken by name"
                    : before ? "another was asked for" : "it comes later in the order";
          };
      lines.add("backend %s was passed over: %s".formatted(provider.name(), why));
    }
    return lines;
  }
}
