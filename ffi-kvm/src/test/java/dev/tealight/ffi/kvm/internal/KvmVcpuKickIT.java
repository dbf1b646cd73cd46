// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.Hypervisor;
import dev.tealight.testkit.contract.VcpuKickContract;

/** KVM keeps the contract of kicks. */
class KvmVcpuKickIT extends VcpuKickContract {
  @Override
  protected Hypervisor open() {
    return TestKvm.open();
  }
}
