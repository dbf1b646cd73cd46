// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.Hypervisor;
import dev.tealight.testkit.contract.HypervisorContract;

/** KVM keeps the contract of hypervisors. */
class KvmHypervisorIT extends HypervisorContract {
  @Override
  protected Hypervisor open() {
    return TestKvm.open();
  }
}
