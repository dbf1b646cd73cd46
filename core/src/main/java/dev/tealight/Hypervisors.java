// SPDX-License-Identifier: ISC
package dev.tealight;

import dev.tealight.spi.HypervisorProvider;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds the backends that are installed and opens one. Any thread. */
public final class Hypervisors {
  private static final Logger LOG = LoggerFactory.getLogger(Hypervisors.class);

  private Hypervisors() {}

  /**
   * {@return all backends on the module or class path, in the order in which they would be tried}
   */
  public static List<HypervisorProvider> installed() {
    return ServiceLoader.load(HypervisorProvider.class, Hypervisors.class.getClassLoader()).stream()
        .map(ServiceLoader.Provider::get)
        .sorted(
            Comparator.comparingInt(provider -> provider.preference().orElse(Integer.MAX_VALUE)))
        .toList();
  }

  /**
   * Opens a backend with its default options.
   *
   * @param backend its name, for instance {@code kvm}
   * @return a hypervisor that the caller closes
   * @throws ConfigurationException if no such backend is installed; lists those that are
   * @throws HypervisorUnavailableException if it cannot run guests here
   */
  public static Hypervisor open(String backend) {
    return provider(backend).open(Optional.empty());
  }

  /**
   * Opens a backend.
   *
   * @param options the backend's own options
   * @return a hypervisor that the caller closes
   * @throws ConfigurationException if the backend is not installed; lists those that are
   * @throws HypervisorUnavailableException if it cannot run guests here
   */
  public static Hypervisor open(BackendOptions options) {
    return provider(options.backend()).open(Optional.of(options));
  }

  /**
   * Opens the first backend, by {@link HypervisorProvider#preference}, that can run guests here.
   * Backends without a preference are never taken. The choice is logged, with the reason why each
   * earlier one was passed over.
   *
   * @return a hypervisor that the caller closes
   * @throws HypervisorUnavailableException if there is none; gives one reason for each backend, and
   *     has what each threw as suppressed
   */
  public static Hypervisor firstAvailable() {
    return firstAvailable(provider -> provider.open(Optional.empty()));
  }

  /** As the public method, with something else than opening, that says no in the same way. */
  static <T> T firstAvailable(Function<HypervisorProvider, T> opener) {
    List<String> passedOver = new ArrayList<>();
    List<HypervisorUnavailableException> causes = new ArrayList<>();
    for (HypervisorProvider provider : installed()) {
      if (provider.preference().isPresent()) {
        try {
          T chosen = opener.apply(provider);
          LOG.debug("backend {} chosen; passed over: {}", provider.name(), passedOver);
          return chosen;
        } catch (HypervisorUnavailableException e) {
          passedOver.add(e.getMessage());
          causes.add(e);
        }
      }
    }
    HypervisorUnavailableException none =
        new HypervisorUnavailableException(
            passedOver.isEmpty()
                ? "no backend is installed: add tealight-ffi-kvm or another backend to the module"
                    + " or class path"
                : "no backend can run guests here: " + String.join("; ", passedOver));
    causes.forEach(none::addSuppressed);
    throw none;
  }

  /** {@return the installed backend of that name} */
  static HypervisorProvider provider(String backend) {
    List<HypervisorProvider> installed = installed();
    return installed.stream()
        .filter(provider -> provider.name().equals(backend))
        .findFirst()
        .orElseThrow(
            () ->
                new ConfigurationException(
                    "backend %s is not installed, there is: %s"
                        .formatted(
                            backend,
                            installed.isEmpty()
                                ? "none"
                                : installed.stream()
                                    .map(HypervisorProvider::name)
                                    .collect(Collectors.joining(", ")))));
  }
}
