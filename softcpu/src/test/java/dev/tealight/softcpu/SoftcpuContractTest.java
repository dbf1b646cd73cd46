// SPDX-License-Identifier: ISC
package dev.tealight.softcpu;

import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;
import dev.tealight.testkit.contract.HypervisorContract;
import dev.tealight.testkit.contract.VcpuContract;
import dev.tealight.testkit.contract.VcpuDebugContract;
import dev.tealight.testkit.contract.VcpuKickContract;
import org.junit.jupiter.api.Nested;

/** The software CPU keeps the contracts. */
class SoftcpuContractTest {

  private static Hypervisor softcpu() {
    return Hypervisors.open(SoftcpuOptions.defaults());
  }

  @Nested
  class AsHypervisor extends HypervisorContract {
    @Override
    protected Hypervisor open() {
      return softcpu();
    }
  }

  @Nested
  class AsVcpu extends VcpuContract {
    @Override
    protected Hypervisor open() {
      return softcpu();
    }
  }

  @Nested
  class Kicked extends VcpuKickContract {
    @Override
    protected Hypervisor open() {
      return softcpu();
    }
  }

  @Nested
  class Debugged extends VcpuDebugContract {
    @Override
    protected Hypervisor open() {
      return softcpu();
    }
  }
}
