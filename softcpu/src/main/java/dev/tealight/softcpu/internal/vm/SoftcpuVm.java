// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.vm;

import dev.tealight.GuestMemory;
import dev.tealight.Region;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.softcpu.SoftcpuOptions;
import dev.tealight.softcpu.internal.cpu.Ram;
import dev.tealight.softcpu.internal.translate.SharedCode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** One VM: memory and vCPUs. */
final class SoftcpuVm implements Vm, Ram {
  private final Arena arena = Arena.ofShared();
  private final MemorySegment segment;
  private final GuestMemory memory;
  private final SoftcpuOptions options;
  private final SharedCode code;
  private final Runnable closed;
  private volatile List<Region> regions = List.of();
  private final List<SoftcpuVcpu> vcpus = new ArrayList<>();
  private boolean open = true;

  SoftcpuVm(VmOptions vmOptions, SoftcpuOptions options, SharedCode code, Runnable closed) {
    this.options = options;
    this.code = code;
    this.closed = closed;
    boolean created = false;
    try {
      segment = TouchedMemory.allocate(vmOptions.memoryByteSize(), arena);
      memory = GuestMemory.over(segment);
      created = true;
    } finally {
      if (!created) {
        arena.close();
      }
    }
  }

  @Override
  public GuestMemory memory() {
    return memory;
  }

  @Override
  public void protect(List<Region> newRegions) {
    if (!open) {
      throw new IllegalStateException("VM is closed");
    }
    memory.restrict(newRegions);
    regions = memory.regions();
    for (SoftcpuVcpu vcpu : vcpus) {
      vcpu.memoryChanged();
    }
  }

  @Override
  public Vcpu createVcpu() {
    if (!open) {
      throw new IllegalStateException("VM is closed");
    }
    SoftcpuVcpu vcpu = new SoftcpuVcpu(this, options, code);
    vcpus.add(vcpu);
    return vcpu;
  }

  @Override
  public void close() {
    if (open) {
      for (SoftcpuVcpu vcpu : vcpus) {
        vcpu.close();
      }
      try {
        arena.close();
      } catch (IllegalStateException e) {
        throw new IllegalStateException(
            "memory of this VM is in use by a call to the host: wait for it before closing the VM",
            e);
      }
      open = false;
      closed.run();
    }
  }

  // What the processor sees

  @Override
  public MemorySegment segment() {
    return segment;
  }

  @Override
  public int permissions(long gpa) {
    return GuestRam.permissions(regions, gpa);
  }
}
