// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.GuestMemory;
import dev.tealight.Hypervisor;
import dev.tealight.HypervisorUnavailableException;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.Waiter;
import dev.tealight.ffi.kvm.KvmOptions;
import dev.tealight.ffi.kvm.KvmOptions.CpuidEntry;
import dev.tealight.ffi.kvm.KvmOptions.CpuidPolicy;
import dev.tealight.ffi.kvm.KvmOptions.Ring3Policy;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.KickSignal;
import dev.tealight.ffi.posix.PollWaiter;
import dev.tealight.spi.DebugControl.Feature;
import dev.tealight.spi.GuestArchitecture;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The device and what is found out about it once. */
final class KvmHypervisor implements Hypervisor {
  private static final Logger LOG = LoggerFactory.getLogger(KvmHypervisor.class);

  private static final int CPUID_ROOM = 256;

  private final HostCalls host;
  private final KvmDevice device;
  private final CpuidPolicy cpuidPolicy;
  private final Ring3Policy ring3Policy;
  private final boolean completing;
  private final @Nullable SpareVms spares;
  private final Arena arena = Arena.ofShared();

  // Guarded by this object's lock, as are all methods that use them.
  private int openVms;
  private @Nullable KvmVm resident;
  private boolean usedBefore;
  private @Nullable MemorySegment cpuid;
  private @Nullable Set<Feature> debugFeatures;
  private @Nullable Ring3Probe ring3;
  private boolean closed;

  /**
   * Opens the device.
   *
   * @throws dev.tealight.HypervisorUnavailableException if it cannot run guests
   */
  static KvmHypervisor open(HostCalls host, KvmOptions options) {
    if (options.completing()) {
      FailedInstructions.find(); // before a guest needs it
    }
    KvmHypervisor opened = new KvmHypervisor(host, KvmDevice.open(host), options);
    try {
      KickSignal.install(host);
      if (options.ring3() == Ring3Policy.ALWAYS && !opened.ring3().isUsed()) {
        throw new HypervisorUnavailableException(
            "kvm: guests cannot start at privilege level 3: %s: use Ring3Policy.AUTO or NEVER"
                .formatted(opened.ring3().reason()));
      }
      return opened;
    } catch (RuntimeException | Error e) {
      opened.close();
      throw e;
    }
  }

  private KvmHypervisor(HostCalls host, KvmDevice device, KvmOptions options) {
    this.host = host;
    this.device = device;
    cpuidPolicy = options.cpuid();
    ring3Policy = options.ring3();
    completing = options.completing();
    spares = options.spare() ? new SpareVms(this::createSpare, SpareVms.HOLD) : null;
  }

  /** {@return whether instructions that KVM fails to emulate are executed in software} */
  boolean isCompleting() {
    return completing;
  }

  @Override
  public String name() {
    return KvmHypervisorProvider.NAME;
  }

  @Override
  public synchronized String description() {
    if (closed && ring3 == null) {
      return device.description();
    }
    Ring3Probe privilege = ring3();
    return "%s, guests start at privilege level %d: %s"
        .formatted(device.description(), privilege.level(), privilege.reason());
  }

  /** {@return at which privilege level guests start} Found by trying, when first asked. */
  synchronized Ring3Probe ring3() {
    Ring3Probe known = ring3;
    if (known == null) {
      known = Ring3Probe.of(this, ring3Policy);
      ring3 = known;
      LOG.info("kvm: guests start at privilege level {}: {}", known.level(), known.reason());
    }
    return known;
  }

  @Override
  public GuestArchitecture architecture() {
    return GuestArchitecture.X86_64;
  }

  Descriptor device() {
    return device.descriptor();
  }

  long vcpuMappingByteSize() {
    return device.vcpuMappingByteSize();
  }

  /** The lock is not held while the host works: others create their VMs meanwhile. */
  @Override
  public Vm createVm(VmOptions options) {
    beginVm();
    try {
      KvmVm spare = spares == null ? null : spares.take(options);
      KvmVm vm = spare != null ? spare : new KvmVm(host, this, options, destroyer());
      vm.handOver(spares == null ? () -> {} : spares::guestRuns, this::vmClosed);
      return vm;
    } catch (RuntimeException | Error e) {
      vmClosed();
      throw e;
    }
  }

  private synchronized void beginVm() {
    if (closed) {
      throw new IllegalStateException("the hypervisor is closed");
    }
    if (usedBefore && resident == null) {
      resident = createResident();
    }
    usedBefore = true;
    openVms++;
  }

  /**
   * KVM switches itself on for the first vCPU of the host and off after the last, at a cost of some
   * 300 microseconds. From the second VM on, one that never runs keeps it switched on.
   */
  private KvmVm createResident() {
    return prepared(ownVm(GuestMemory.PAGE_BYTE_SIZE));
  }

  private KvmVm createSpare(VmOptions options) {
    return prepared(new KvmVm(host, this, options, destroyer()));
  }

  private static KvmVm prepared(KvmVm vm) {
    try {
      vm.prepare();
      return vm;
    } catch (RuntimeException | Error e) {
      vm.close();
      throw e;
    }
  }

  /** {@return a VM of the backend's own, which nobody counts} */
  KvmVm ownVm(long memoryByteSize) {
    return new KvmVm(
        host, this, new VmOptions(memoryByteSize, VmOptions.HugePages.NEVER), Runnable::run);
  }

  private Executor destroyer() {
    return spares == null ? Runnable::run : spares;
  }

  /** Waits until VMs are prepared and destroyed that are to be, for tests. */
  void settle() throws InterruptedException, ExecutionException {
    if (spares != null) {
      spares.settle();
    }
  }

  private synchronized void vmClosed() {
    openVms--;
  }

  /**
   * {@return the answers to CPUID, as KVM takes them} Asking KVM takes longer than creating a VM.
   */
  synchronized MemorySegment cpuid() {
    MemorySegment known = cpuid;
    if (known == null) {
      known = KvmCpuid.toNative(cpuidPolicy.apply(supportedCpuid()), arena);
      cpuid = known;
    }
    return known;
  }

  private List<CpuidEntry> supportedCpuid() {
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment table = KvmCpuid.room(CPUID_ROOM, scratch);
      device().ioctl(KvmIoctl.GET_SUPPORTED_CPUID, table, "nent=" + CPUID_ROOM);
      return KvmCpuid.fromNative(table);
    }
  }

  /** {@return which kinds of debugging work here} Found by trying, when first asked. */
  synchronized Set<Feature> debugFeatures() {
    Set<Feature> known = debugFeatures;
    if (known == null) {
      known = device.has(KvmCap.SET_GUEST_DEBUG) ? probeDebugging() : Set.of();
      debugFeatures = known;
    }
    return known;
  }

  private Set<Feature> probeDebugging() {
    KvmVm vm = ownVm(DebugProbe.MEMORY_BYTE_SIZE);
    try {
      return DebugProbe.features(vm);
    } finally {
      vm.close();
    }
  }

  @Override
  public Waiter createWaiter() {
    return new PollWaiter(host);
  }

  @Override
  public void close() {
    if (!endUse()) {
      return;
    }
    // Without the lock, which a VM in preparation may need.
    try (arena;
        device;
        KvmVm _ = resident;
        SpareVms _ = spares) {
      // Closes them from the last to the first, each whatever becomes of the others.
    }
  }

  /** {@return whether it was in use} */
  private synchronized boolean endUse() {
    if (openVms > 0) {
      throw new IllegalStateException(
          "%d VMs of this hypervisor are open: close them first".formatted(openVms));
    }
    boolean wasOpen = !closed;
    closed = true;
    return wasOpen;
  }
}
