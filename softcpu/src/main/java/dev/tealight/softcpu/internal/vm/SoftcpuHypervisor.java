// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.vm;

import dev.tealight.Hypervisor;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.Waiter;
import dev.tealight.softcpu.SoftcpuOptions;
import dev.tealight.softcpu.internal.translate.SharedCode;
import dev.tealight.spi.GuestArchitecture;
import java.util.concurrent.atomic.AtomicInteger;

/** Holds the options and the translated code that VMs share, and counts VMs. Any thread. */
final class SoftcpuHypervisor implements Hypervisor {
  private static final int CLOSED = -1;

  private final SoftcpuOptions options;
  private final SharedCode code = new SharedCode();

  /** Open VMs, or {@link #CLOSED}. */
  private final AtomicInteger vms = new AtomicInteger();

  SoftcpuHypervisor(SoftcpuOptions options) {
    this.options = options;
  }

  @Override
  public String name() {
    return SoftcpuOptions.BACKEND;
  }

  @Override
  public String description() {
    return SoftcpuHypervisorProvider.DESCRIPTION
        + (options.virtualTime() ? ", virtual time with seed " + options.seed() : "");
  }

  @Override
  public GuestArchitecture architecture() {
    return GuestArchitecture.X86_64;
  }

  @Override
  public Vm createVm(VmOptions vmOptions) {
    if (vms.updateAndGet(count -> count == CLOSED ? CLOSED : count + 1) == CLOSED) {
      throw new IllegalStateException("hypervisor is closed");
    }
    boolean created = false;
    try {
      Vm vm = new SoftcpuVm(vmOptions, options, code, vms::decrementAndGet);
      created = true;
      return vm;
    } finally {
      if (!created) {
        vms.decrementAndGet();
      }
    }
  }

  @Override
  public Waiter createWaiter() {
    return options.virtualTime() ? new VirtualWaiter() : new SoftcpuWaiter();
  }

  @Override
  public void close() {
    int before = vms.getAndUpdate(count -> count == 0 ? CLOSED : count);
    if (before > 0) {
      throw new IllegalStateException("hypervisor still has " + before + " open VMs");
    }
  }
}
