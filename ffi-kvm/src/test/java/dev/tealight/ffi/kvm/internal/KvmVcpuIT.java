// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.Hypervisor;
import dev.tealight.testkit.contract.VcpuContract;

/** KVM keeps the contract of vCPUs. */
class KvmVcpuIT extends VcpuContract {
  @Override
  protected Hypervisor open() {
    return TestKvm.open();
  }
}
