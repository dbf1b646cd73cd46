// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static org.junit.jupiter.api.Assumptions.abort;

import dev.tealight.Hypervisor;
import dev.tealight.HypervisorUnavailableException;
import dev.tealight.ffi.kvm.KvmOptions;
import dev.tealight.spi.Availability;
import java.util.Optional;

/** The host's KVM, for tests that need it. */
final class TestKvm {
  private TestKvm() {}

  /** Opens it, or skips the test with the reason why there is none. */
  static Hypervisor open() {
    return open(KvmOptions.DEFAULT);
  }

  /** As {@link #open()}, with options. */
  static Hypervisor open(KvmOptions options) {
    KvmHypervisorProvider provider = new KvmHypervisorProvider();
    return switch (provider.availability()) {
      case Availability.Available _ -> opened(provider, options);
      case Availability.Unavailable(String reason) -> abort(reason);
    };
  }

  private static Hypervisor opened(KvmHypervisorProvider provider, KvmOptions options) {
    try {
      return provider.open(Optional.of(options));
    } catch (HypervisorUnavailableException e) { // level 3 was asked for
      return abort(e.getMessage());
    }
  }

  /** {@return the first count, or the second one if tests may take long} */
  static int effort(int normal, int nightly) {
    return "nightly".equals(System.getProperty("tealight.effort")) ? nightly : normal;
  }
}
