// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;

/** Guests with network devices on the software CPU. */
class SoftcpuNetTest extends NetGuestSuite {

  @Override
  protected Hypervisor open() {
    return Hypervisors.open("softcpu");
  }
}
