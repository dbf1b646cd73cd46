// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.tealight.Hypervisor;
import dev.tealight.spi.Availability;
import dev.tealight.testkit.contract.GuestSuite;
import dev.tealight.testkit.contract.HypervisorContract;
import dev.tealight.testkit.contract.VcpuContract;
import dev.tealight.testkit.contract.VcpuDebugContract;
import dev.tealight.testkit.contract.VcpuKickContract;
import java.util.Optional;
import org.junit.jupiter.api.Nested;

/** What runs on the model, on the kernel of this host. */
class BhyveKernelIT {

  /** Opens it. Where there is none, the test is skipped with the reason, or fails if it must be. */
  private static Hypervisor kernel() {
    BhyveHypervisorProvider provider = new BhyveHypervisorProvider();
    return switch (provider.availability()) {
      case Availability.Available _ -> provider.open(Optional.empty());
      case Availability.Unavailable(String reason) ->
          Boolean.getBoolean("tealight.bhyve.required") ? fail(reason) : abort(reason);
    };
  }

  @Nested
  class AsHypervisor extends HypervisorContract {
    @Override
    protected Hypervisor open() {
      return kernel();
    }
  }

  @Nested
  class AsVcpu extends VcpuContract {
    @Override
    protected Hypervisor open() {
      return kernel();
    }
  }

  @Nested
  class Kicked extends VcpuKickContract {
    @Override
    protected Hypervisor open() {
      return kernel();
    }
  }

  @Nested
  class Debugged extends VcpuDebugContract {
    @Override
    protected Hypervisor open() {
      return kernel();
    }
  }

  @Nested
  class WithGuests extends GuestSuite {
    @Override
    protected Hypervisor open() {
      return kernel();
    }

    @Override
    protected boolean protectsBeyondWrites() {
      return true;
    }

    @Override
    protected boolean protectsReads() {
      return false;
    }
  }

  @Nested
  class WithKernels extends KernelGuests {
    @Override
    Hypervisor open() {
      return kernel();
    }
  }

  @Nested
  class WithDevices extends DeviceGuests {
    @Override
    Hypervisor open() {
      return kernel();
    }
  }
}
