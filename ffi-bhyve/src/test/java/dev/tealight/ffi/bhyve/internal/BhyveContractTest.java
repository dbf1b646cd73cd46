// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import dev.tealight.Hypervisor;
import dev.tealight.ffi.bhyve.BhyveOptions;
import dev.tealight.spi.HypervisorProvider;
import dev.tealight.testkit.contract.HypervisorContract;
import dev.tealight.testkit.contract.VcpuContract;
import dev.tealight.testkit.contract.VcpuDebugContract;
import dev.tealight.testkit.contract.VcpuKickContract;
import java.time.Duration;
import org.junit.jupiter.api.Nested;

/** The bhyve backend keeps the contracts on a model of every version of vmm. */
class BhyveContractTest {
  private static final BhyveOptions OPTIONS = new BhyveOptions(false, Duration.ofMillis(500));

  static Hypervisor open(int version, boolean amd) {
    return BhyveHypervisor.open(new VmmModel(version, amd).host(), OPTIONS);
  }

  private static HypervisorProvider provider(int version) {
    return new BhyveHypervisorProvider(() -> new VmmModel(version, true).host());
  }

  @Nested
  class HypervisorOf13 extends HypervisorContract {
    @Override
    protected Hypervisor open() {
      return BhyveContractTest.open(13, true);
    }

    @Override
    protected HypervisorProvider provider(HypervisorProvider installed) {
      return BhyveContractTest.provider(13);
    }
  }

  @Nested
  class HypervisorOf14 extends HypervisorContract {
    @Override
    protected Hypervisor open() {
      return BhyveContractTest.open(14, true);
    }

    @Override
    protected HypervisorProvider provider(HypervisorProvider installed) {
      return BhyveContractTest.provider(14);
    }
  }

  @Nested
  class HypervisorOf15 extends HypervisorContract {
    @Override
    protected Hypervisor open() {
      return BhyveContractTest.open(15, true);
    }

    @Override
    protected HypervisorProvider provider(HypervisorProvider installed) {
      return BhyveContractTest.provider(15);
    }
  }

  @Nested
  class VcpuOf13 extends VcpuContract {
    @Override
    protected Hypervisor open() {
      return BhyveContractTest.open(13, true);
    }
  }

  @Nested
  class VcpuOf14 extends VcpuContract {
    @Override
    protected Hypervisor open() {
      return BhyveContractTest.open(14, true);
    }
  }

  @Nested
  class VcpuOf15 extends VcpuContract {
    @Override
    protected Hypervisor open() {
      return BhyveContractTest.open(15, true);
    }
  }

  @Nested
  class VcpuOf15OnIntel extends VcpuContract {
    @Override
    protected Hypervisor open() {
      return BhyveContractTest.open(15, false);
    }
  }

  @Nested
  class KickedOn13 extends VcpuKickContract {
    @Override
    protected Hypervisor open() {
      return BhyveContractTest.open(13, true);
    }
  }

  @Nested
  class KickedOn14 extends VcpuKickContract {
    @Override
    protected Hypervisor open() {
      return BhyveContractTest.open(14, true);
    }
  }

  @Nested
  class KickedOn15 extends VcpuKickContract {
    @Override
    protected Hypervisor open() {
      return BhyveContractTest.open(15, true);
    }
  }

  @Nested
  class DebuggedOn13WithIntel extends VcpuDebugContract {
    @Override
    protected Hypervisor open() {
      return BhyveContractTest.open(13, false);
    }
  }

  @Nested
  class DebuggedOn14 extends VcpuDebugContract {
    @Override
    protected Hypervisor open() {
      return BhyveContractTest.open(14, true);
    }
  }

  @Nested
  class DebuggedOn15 extends VcpuDebugContract {
    @Override
    protected Hypervisor open() {
      return BhyveContractTest.open(15, true);
    }
  }

  @Nested
  class DebuggedOn15WithIntel extends VcpuDebugContract {
    @Override
    protected Hypervisor open() {
      return BhyveContractTest.open(15, false);
    }
  }
}
