// SPDX-License-Identifier: ISC
package dev.tealight.spi;

import dev.tealight.BackendOptions;
import dev.tealight.Hypervisor;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A backend, found by {@link java.util.ServiceLoader}. Creating one must cost nothing and touch no
 * host.
 */
public interface HypervisorProvider {

  /** {@return the name by which users ask for it: lower-case, for instance {@code kvm}} */
  String name();

  /**
   * {@return the place in the order in which backends are tried, lowest first; empty if it is only
   * taken by name}
   */
  OptionalInt preference();

  /** {@return whether it can run guests here, found by asking the host; leaves nothing open} */
  Availability availability();

  /**
   * Opens it.
   *
   * @param options this backend's own options type, or empty for its defaults
   * @return a hypervisor that the caller closes
   * @throws dev.tealight.HypervisorUnavailableException if it cannot run guests here
   * @throws dev.tealight.ConfigurationException if the options are another backend's
   */
  Hypervisor open(Optional<? extends BackendOptions> options);
}
