// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.Hypervisor;
import dev.tealight.testkit.contract.VcpuDebugContract;

/** KVM keeps the contract of debugging. */
class KvmVcpuDebugIT extends VcpuDebugContract {
  @Override
  protected Hypervisor open() {
    return TestKvm.open();
  }
}
