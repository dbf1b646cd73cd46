// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.tealight.GuestMemory;
import dev.tealight.HostCallException;
import dev.tealight.Region;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.FreeBsdAbi;
import dev.tealight.ffi.posix.FreeBsdErrno;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.Mapping;
import dev.tealight.spi.HostedChips;
import dev.tealight.spi.VmAbility;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A VM: its name and device, the memory behind it, its mappings and its vCPUs. */
final class BhyveVm implements Vm {
  private static final int NAMES_TRIED = 16;

  private final HostCalls host;
  private final BhyveHypervisor hypervisor;
  private final VmmControl control;
  private final String name;
  private final Arena arena = Arena.ofShared();
  private final Descriptor descriptor;
  private final GuestMemory memory;
  private final MemoryMappings mappings;
  private @Nullable BhyveChips chips; // once somebody has asked for them
  private final List<BhyveVcpu> vcpus = new ArrayList<>();
  private int nextVcpu;
  private boolean closed;

  /** Creates a VM; what was made of it is freed if a step fails. */
  static BhyveVm create(
      HostCalls host, BhyveHypervisor hypervisor, VmmControl control, VmOptions options) {
    String name = createNamed(control);
    try {
      return new BhyveVm(host, hypervisor, control, name, options);
    } catch (RuntimeException | Error e) {
      control.destroy(name);
      throw e;
    }
  }

  private static String createNamed(VmmControl control) {
    for (int tried = 1; ; tried++) {
      String name = VmNames.unused();
      try {
        control.create(name);
        return name;
      } catch (HostCallException e) {
        if (e.errno() != FreeBsdErrno.EEXIST || tried == NAMES_TRIED) {
          throw e;
        }
      }
    }
  }

  private BhyveVm(
      HostCalls host,
      BhyveHypervisor hypervisor,
      VmmControl control,
      String name,
      VmOptions options) {
    this.host = host;
    this.hypervisor = hypervisor;
    this.control = control;
    this.name = name;
    descriptor = open();
    try {
      long byteSize = options.memoryByteSize();
      allocateSegment(byteSize);
      mappings = new MemoryMappings(descriptor, hypervisor.forms().mappingLimit());
      mappings.want(List.of(), byteSize);
      mappings.install();
      // Whatever the guest's mappings become, this one stays: it holds the segment.
      MemorySegment mapping =
          Mapping.shared(host, descriptor, byteSize, FreeBsdAbi.MAP_NOCORE, arena);
      Descriptor.check(
          host,
          host.minherit(mapping.address(), byteSize, FreeBsdAbi.INHERIT_NONE),
          "minherit",
          "byteSize=" + byteSize);
      memory = GuestMemory.over(mapping);
    } catch (RuntimeException | Error e) {
      arena.close();
      descriptor.close();
      throw e;
    }
  }

  private Descriptor open() {
    try {
      return Descriptor.open(host, BhyveHost.VMS + "/" + name, FreeBsdAbi.O_RDWR);
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  private void allocateSegment(long byteSize) {
    VmmForms forms = hypervisor.forms();
    boolean old = forms.oldSegments();
    try {
      allocateSegment(forms, byteSize);
    } catch (HostCallException e) {
      if (e.errno() != FreeBsdErrno.ENOTTY) {
        throw e;
      }
      forms.otherSegments(old);
      allocateSegment(forms, byteSize);
    }
  }

  private void allocateSegment(VmmForms forms, long byteSize) {
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment argument = scratch.allocate(VmmStructs.MEMSEG_15);
      argument.set(
          JAVA_INT, Fields.offset(VmmStructs.MEMSEG_15, "segid"), MemoryMappings.SYSTEM_MEMORY);
      argument.set(JAVA_LONG, Fields.offset(VmmStructs.MEMSEG_15, "len"), byteSize);
      descriptor.ioctl(forms.allocSegment(), argument, "byteSize=" + byteSize);
    }
  }

  BhyveHypervisor hypervisor() {
    return hypervisor;
  }

  @Override
  public GuestMemory memory() {
    return memory;
  }

  @Override
  public void protect(List<Region> regions) {
    checkOpen();
    List<Region> before = memory.regions();
    memory.restrict(regions);
    try {
      mappings.want(regions, memory.byteSize());
    } catch (RuntimeException e) {
      memory.restrict(before);
      throw e;
    }
  }

  /** Called before the guest runs. */
  void installMemory() {
    mappings.install();
  }

  @Override
  public Vcpu createVcpu() {
    checkOpen();
    BhyveVcpu vcpu = new BhyveVcpu(host, this, descriptor, nextVcpu, arena);
    nextVcpu++; // the kernel keeps what it knows of a number
    vcpus.add(vcpu);
    return vcpu;
  }

  /** {@return how many vCPUs the kernel waits for when the VM is to stand still} */
  long activeVcpus() {
    return vcpus.stream().filter(BhyveVcpu::isActive).count();
  }

  @Override
  public <T extends VmAbility> Optional<T> ability(Class<T> type) {
    checkOpen();
    if (type != HostedChips.class) {
      return Optional.empty();
    }
    if (chips == null) {
      chips = new BhyveChips(descriptor, arena);
    }
    return Optional.of(type.cast(chips));
  }

  /** Called after a reset of the VM. */
  void restoreChips() {
    if (chips != null) {
      chips.restore();
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the VM is closed");
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    if (vcpus.stream().anyMatch(BhyveVcpu::isRunning)) {
      throw new IllegalStateException(
          "a vCPU of this VM is being run: kick it and wait for its thread before closing the VM");
    }
    vcpus.forEach(BhyveVcpu::close);
    try {
      arena.close();
    } catch (IllegalStateException e) {
      throw new IllegalStateException(
          "memory of this VM is in use by a call to the host: wait for it before closing the VM",
          e);
    }
    closed = true;
    // All of it, whatever the host says to a part.
    try {
      suspend();
      descriptor.close();
    } finally {
      hypervisor.vmClosed();
      control.destroy(name);
    }
  }

  /** Before FreeBSD 15 destroying waits for whoever is in the kernel with this VM. */
  private void suspend() {
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment how = scratch.allocateFrom(JAVA_INT, VmmSuspend.POWEROFF);
      descriptor.ioctl(VmmIoctl.SUSPEND, how, name);
    } catch (HostCallException e) {
      // It stands still already, or is gone.
    }
  }
}
