// SPDX-License-Identifier: ISC
package dev.tealight.device.virtio;

import static org.junit.jupiter.api.Assumptions.abort;

import dev.tealight.Hypervisor;
import dev.tealight.HypervisorUnavailableException;
import dev.tealight.Hypervisors;

/** Kernels on KVM. */
class KvmKernelIT extends KernelSuite {
  @Override
  Hypervisor open() {
    try {
      return Hypervisors.open("kvm");
    } catch (HypervisorUnavailableException e) {
      return abort(e.getMessage());
    }
  }
}
