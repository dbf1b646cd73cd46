// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.vm;

import dev.tealight.BackendOptions;
import dev.tealight.ConfigurationException;
import dev.tealight.Hypervisor;
import dev.tealight.softcpu.SoftcpuOptions;
import dev.tealight.spi.Availability;
import dev.tealight.spi.HypervisorProvider;
import java.util.Optional;
import java.util.OptionalInt;

/** Makes the software CPU known; it works everywhere. */
public final class SoftcpuHypervisorProvider implements HypervisorProvider {
  /** Behind the backends that use the host's processor. */
  private static final int PREFERENCE = 1000;

  static final String DESCRIPTION = "x86-64 in pure Java, no hypervisor needed";

  /** For the service loader. */
  public SoftcpuHypervisorProvider() {}

  @Override
  public String name() {
    return SoftcpuOptions.BACKEND;
  }

  @Override
  public OptionalInt preference() {
    return OptionalInt.of(PREFERENCE);
  }

  @Override
  public Availability availability() {
    return new Availability.Available(DESCRIPTION);
  }

  @Override
  public Hypervisor open(Optional<? extends BackendOptions> options) {
    if (options.isEmpty()) {
      return new SoftcpuHypervisor(SoftcpuOptions.defaults());
    }
    if (options.get() instanceof SoftcpuOptions own) {
      return new SoftcpuHypervisor(own);
    }
    throw new ConfigurationException(
        "options of backend %s given to backend %s"
            .formatted(options.get().backend(), SoftcpuOptions.BACKEND));
  }
}
