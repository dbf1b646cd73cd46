// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static org.junit.jupiter.api.Assumptions.abort;

import dev.tealight.Hypervisor;
import dev.tealight.spi.Availability;
import java.util.Optional;

/** The host's KVM, for tests that need it. */
final class TestKvm {
  private TestKvm() {}

  /** Opens it, or skips the test with the reason why there is none. */
  static Hypervisor open() {
    KvmHypervisorProvider provider = new KvmHypervisorProvider();
    return switch (provider.availability()) {
      case Availability.Available _ -> provider.open(Optional.empty());
      case Availability.Unavailable(String reason) -> abort(reason);
    };
  }

  /** {@return the first count, or the second one if tests may take long} */
  static int effort(int normal, int nightly) {
    return "nightly".equals(System.getProperty("tealight.effort")) ? nightly : normal;
  }
}
