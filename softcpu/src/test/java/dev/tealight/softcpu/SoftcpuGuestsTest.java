// SPDX-License-Identifier: ISC
package dev.tealight.softcpu;

import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;
import dev.tealight.testkit.contract.GuestSuite;

/** The guest programs end on the software CPU as they should. */
class SoftcpuGuestsTest extends GuestSuite {
  @Override
  protected Hypervisor open() {
    return Hypervisors.open(SoftcpuOptions.defaults());
  }

  @Override
  protected boolean protectsBeyondWrites() {
    return true;
  }
}
