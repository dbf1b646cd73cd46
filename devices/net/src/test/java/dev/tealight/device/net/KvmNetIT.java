// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import static org.junit.jupiter.api.Assumptions.abort;

import dev.tealight.Hypervisor;
import dev.tealight.HypervisorUnavailableException;
import dev.tealight.Hypervisors;

/** Guests with network devices on KVM. */
class KvmNetIT extends NetGuestSuite {

  @Override
  protected Hypervisor open() {
    try {
      return Hypervisors.open("kvm");
    } catch (HypervisorUnavailableException e) {
      return abort(e.getMessage());
    }
  }
}
