// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.Hypervisor;
import dev.tealight.ffi.kvm.KvmOptions;
import dev.tealight.testkit.contract.GuestSuite;

/** KVM keeps the promises to guests, also on VMs that were prepared. */
class KvmGuestsOnSparesIT extends GuestSuite {
  @Override
  protected Hypervisor open() {
    return TestKvm.open(KvmOptions.DEFAULT.withSpareVm());
  }
}
