// SPDX-License-Identifier: ISC
package dev.tealight.device.virtio;

import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;

/** Kernels on the software CPU. */
class SoftcpuKernelTest extends KernelSuite {
  @Override
  Hypervisor open() {
    return Hypervisors.open("softcpu");
  }
}
