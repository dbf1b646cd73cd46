// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.GuestMemory;
import dev.tealight.Region;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.Mapping;
import dev.tealight.spi.Doorbells;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** A VM: its descriptor, the memory behind it, its slots and its vCPUs. */
final class KvmVm implements Vm, Doorbells {
  /** An x86-64 processor without I/O emulation of its own. */
  private static final int MACHINE_TYPE = 0;

  private final HostCalls host;
  private final KvmHypervisor hypervisor;
  private final VmOptions options;
  private final Executor destroyer;
  private final Arena arena = Arena.ofShared();
  private final Descriptor descriptor;
  private final GuestMemory memory;
  private final MemorySlots slots;
  private final List<KvmVcpu> vcpus = new ArrayList<>();
  private @Nullable KvmVcpu prepared;
  private int nextVcpu;
  private Runnable onRun = () -> {};
  private Runnable onClose = () -> {};
  private boolean closed;

  /**
   * Creates a VM; what was made of it is freed if a step fails.
   *
   * @param destroyer closes the descriptors when the VM is closed, which takes KVM a while
   */
  KvmVm(HostCalls host, KvmHypervisor hypervisor, VmOptions options, Executor destroyer) {
    this.host = host;
    this.hypervisor = hypervisor;
    this.options = options;
    this.destroyer = destroyer;
    try {
      MemorySegment mapping = BackingMemory.map(host, options, arena);
      memory = GuestMemory.over(mapping);
      descriptor = hypervisor.device().ioctlDescriptor(KvmIoctl.CREATE_VM, MACHINE_TYPE);
      slots = new MemorySlots(descriptor, mapping.address(), mapping.byteSize());
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  /** Makes beforehand what any guest needs, whatever its image. */
  void prepare() {
    prepared = makeVcpu();
    slots.prepare();
  }

  /**
   * Makes it a user's.
   *
   * @param onRun called when its guest is about to run with memory that was not installed before
   * @param onClose called once, when it is closed
   */
  void handOver(Runnable onRun, Runnable onClose) {
    this.onRun = onRun;
    this.onClose = onClose;
  }

  KvmHypervisor hypervisor() {
    return hypervisor;
  }

  VmOptions options() {
    return options;
  }

  @Override
  public GuestMemory memory() {
    return memory;
  }

  @Override
  public void protect(List<Region> regions) {
    checkOpen();
    memory.restrict(regions);
    slots.want(memory.regions(), memory.byteSize());
  }

  /** Called before the guest runs. */
  void installMemory() {
    if (slots.install()) {
      onRun.run();
    }
  }

  @Override
  public Vcpu createVcpu() {
    return newVcpu();
  }

  /** {@return the next vCPU as what it is} */
  KvmVcpu newVcpu() {
    checkOpen();
    KvmVcpu first = prepared;
    prepared = null;
    return first != null ? first : makeVcpu();
  }

  private KvmVcpu makeVcpu() {
    MemorySegment cpuid = hypervisor.cpuid();
    Descriptor vcpu = descriptor.ioctlDescriptor(KvmIoctl.CREATE_VCPU, nextVcpu);
    nextVcpu++; // KVM never gives a number twice, whatever becomes of this vCPU
    try {
      vcpu.ioctl(KvmIoctl.SET_CPUID2, cpuid, "byteSize=" + cpuid.byteSize());
      MemorySegment page = Mapping.shared(host, vcpu, hypervisor.vcpuMappingByteSize(), arena);
      KvmVcpu created = new KvmVcpu(host, this, vcpu, page, arena);
      vcpus.add(created);
      return created;
    } catch (RuntimeException | Error e) {
      vcpu.close();
      throw e;
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the VM is closed");
    }
  }

  @Override
  public Doorbell onPort(int port) {
    checkOpen();
    return KvmDoorbell.create(host, descriptor, port);
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    if (vcpus.stream().anyMatch(KvmVcpu::isRunning)) {
      throw new IllegalStateException(
          "a vCPU of this VM is being run: kick it and wait for its thread before closing the VM");
    }
    vcpus.forEach(KvmVcpu::retire);
    try {
      arena.close();
    } catch (IllegalStateException e) {
      throw new IllegalStateException(
          "memory of this VM is in use by a call to the host: wait for it before closing the VM",
          e);
    }
    closed = true;
    try {
      destroyer.execute(this::closeDescriptors);
    } finally {
      onClose.run();
    }
  }

  private void closeDescriptors() {
    try {
      vcpus.forEach(KvmVcpu::closeDescriptor);
    } finally {
      descriptor.close();
    }
  }
}
