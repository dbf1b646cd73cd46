// SPDX-License-Identifier: ISC

package dev.tealight.testkit.internal;

import dev.tealight.BackendOptions;
import dev.tealight.ConfigurationException;
import dev.tealight.Hypervisor;
import dev.tealight.spi.Availability;
import dev.tealight.spi.HypervisorProvider;
import dev.tealight.testkit.GuestScript;
import dev.tealight.testkit.MockHypervisor;
import dev.tealight.testkit.MockOptions;
import java.util.Optional;
import java.util.OptionalInt;

/** Makes the mock known under its name, without a place in the order of backends. */
public final class MockHypervisorProvider implements HypervisorProvider {

  /** Called by the service loader. */
  public MockHypervisorProvider() {}

  @Override
  public String name() {
    return MockOptions.BACKEND;
  }

  @Override
  public OptionalInt preference() {
    return OptionalInt.empty();
  }

  @Override
  public Availability availability() {
    return new Availability.Available("scripted guests, nothing is executed");
  }

  @Override
  public Hypervisor open(Optional<? extends BackendOptions> options) {
    return switch (options.orElse(null)) {
      case null -> new MockHypervisor(GuestScript.exits());
      case MockOptions(GuestScript script) -> new MockHypervisor(script);
      case BackendOptions other ->
          throw new ConfigurationException(
              "options %s belong to backend %s, not to mock".formatted(other, other.backend()));
    };
  }
}
