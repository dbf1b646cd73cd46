// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.Hypervisor;
import dev.tealight.ffi.kvm.KvmOptions;
import dev.tealight.ffi.kvm.KvmOptions.Ring3Policy;
import dev.tealight.testkit.contract.GuestSuite;

/** KVM keeps the promises to guests, also where it would rather start them at level 3. */
class KvmGuestsAtLevel0IT extends GuestSuite {
  @Override
  protected Hypervisor open() {
    return TestKvm.open(KvmOptions.DEFAULT.withRing3(Ring3Policy.NEVER));
  }
}
