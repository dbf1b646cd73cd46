// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;

/**
 * Guests that use the shared ring on the software CPU, where each doorbell ends a run of the vCPU.
 */
class SoftcpuRingTest extends RingGuestSuite {

  @Override
  protected Hypervisor open() {
    return Hypervisors.open("softcpu");
  }
}
