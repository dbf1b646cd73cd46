// SPDX-License-Identifier: ISC

package dev.tealight.testkit.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tealight.Hypervisor;
import dev.tealight.Vcpu;
import dev.tealight.testkit.GuestScript;
import dev.tealight.testkit.MockHypervisor;
import dev.tealight.testkit.MockVcpu;
import org.junit.jupiter.api.Nested;

/**
 * The mock keeps the contracts, with a script in place of each piece of machine code. It offers no
 * debugging, and cannot show that a processor does what the script says.
 */
class MockContractTest {

  private static Hypervisor mock() {
    return new MockHypervisor(GuestScript.exits());
  }

  private static void play(Vcpu vcpu, MachineCode code) {
    ((MockVcpu) vcpu).script(code.equivalent());
  }

  @Nested
  class AsHypervisor extends HypervisorContract {
    @Override
    protected Hypervisor open() {
      return mock();
    }
  }

  @Nested
  class AsVcpu extends VcpuContract {
    @Override
    protected Hypervisor open() {
      return mock();
    }

    @Override
    void loaded(Vcpu target, MachineCode code) {
      play(target, code);
    }
  }

  @Nested
  class Kicked extends VcpuKickContract {
    @Override
    protected Hypervisor open() {
      return mock();
    }

    @Override
    void loaded(Vcpu target, MachineCode code) {
      play(target, code);
    }

    /** The processor's part is the script's: what the mock shows is the value that arrived. */
    @Override
    void assertReadIsDone(Vcpu target) {
      assertEquals(0x12345678, ((MockVcpu) target).lastRead());
    }
  }
}
