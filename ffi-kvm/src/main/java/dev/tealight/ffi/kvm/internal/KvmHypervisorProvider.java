// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.BackendOptions;
import dev.tealight.ConfigurationException;
import dev.tealight.HostCallException;
import dev.tealight.Hypervisor;
import dev.tealight.HypervisorUnavailableException;
import dev.tealight.ffi.kvm.KvmOptions;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.KickSignal;
import dev.tealight.spi.Availability;
import dev.tealight.spi.HypervisorProvider;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Supplier;

/** Offers KVM, where there is one. */
public final class KvmHypervisorProvider implements HypervisorProvider {
  static final String NAME = "kvm";

  private static final int PREFERENCE = 10;

  private final Supplier<HostCalls> system;

  /** Creates it; touches nothing. */
  public KvmHypervisorProvider() {
    this(HostCalls::system);
  }

  KvmHypervisorProvider(Supplier<HostCalls> system) {
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
    try {
      HostCalls host = host();
      try (KvmDevice device = KvmDevice.open(host)) {
        KickSignal.check(host);
        return new Availability.Available(device.description());
      }
    } catch (HypervisorUnavailableException | HostCallException e) {
      return new Availability.Unavailable(String.valueOf(e.getMessage()));
    }
  }

  @Override
  public Hypervisor open(Optional<? extends BackendOptions> options) {
    BackendOptions given = options.isPresent() ? options.get() : KvmOptions.DEFAULT;
    if (given instanceof KvmOptions own) {
      return KvmHypervisor.open(host(), own);
    }
    throw new ConfigurationException("backend kvm was given options of backend " + given.backend());
  }

  private HostCalls host() {
    try {
      return system.get();
    } catch (UnsupportedOperationException | IllegalCallerException e) {
      throw new HypervisorUnavailableException("kvm: " + e.getMessage(), e);
    }
  }
}
