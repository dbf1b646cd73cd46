// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.Hypervisor;
import dev.tealight.testkit.contract.GuestSuite;

/** KVM keeps the promises to guests. */
class KvmGuestsIT extends GuestSuite {
  @Override
  protected Hypervisor open() {
    return TestKvm.open();
  }
}
