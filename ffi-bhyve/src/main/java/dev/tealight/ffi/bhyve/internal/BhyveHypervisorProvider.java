// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import dev.tealight.BackendOptions;
import dev.tealight.ConfigurationException;
import dev.tealight.Hypervisor;
import dev.tealight.HypervisorUnavailableException;
import dev.tealight.ffi.bhyve.BhyveOptions;
import dev.tealight.spi.Availability;
import dev.tealight.spi.HypervisorProvider;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Supplier;

/** Offers bhyve, where there is one. */
public final class BhyveHypervisorProvider implements HypervisorProvider {
  static final String NAME = "bhyve";

  private static final int PREFERENCE = 20;

  private final Supplier<BhyveHost> system;

  /** Creates it; touches nothing. */
  public BhyveHypervisorProvider() {
    this(BhyveHost::system);
  }

  BhyveHypervisorProvider(Supplier<BhyveHost> system) {
    this.system = system;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public OptionalInt preference() {
    return OptionalInt.of(PREFERENCE);
  }

  @Override
  public Availability availability() {
    try (VmmControl control = VmmControl.open(system.get().calls())) {
      return new Availability.Available(control.description());
    } catch (HypervisorUnavailableException e) {
      return new Availability.Unavailable(String.valueOf(e.getMessage()));
    }
  }

  @Override
  public Hypervisor open(Optional<? extends BackendOptions> options) {
    BhyveOptions own =
        switch (options.orElse(null)) {
          case null -> BhyveOptions.DEFAULT;
          case BhyveOptions it -> it;
          case BackendOptions other ->
              throw new ConfigurationException(
                  "backend bhyve was given options of backend " + other.backend());
        };
    return BhyveHypervisor.open(system.get(), own);
  }
}
