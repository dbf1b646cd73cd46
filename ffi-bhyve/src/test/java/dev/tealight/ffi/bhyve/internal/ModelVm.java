// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.ffi.posix.FreeBsdErrno;
import dev.tealight.softcpu.SoftcpuOptions;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** A VM of the model. */
final class ModelVm {
  private static final long DEADLOCK_NANOS = TimeUnit.SECONDS.toNanos(20);
  static final int MAX_VCPUS = 16;

  final VmmModel kernel;
  final String name;
  final Object lock = new Object();
  private final VmmFacts facts;
  private final Hypervisor processors = Hypervisors.open(SoftcpuOptions.defaults());
  private final Map<Integer, ModelVcpu> vcpus = new TreeMap<>();

  /** A segment, of system memory or with a name and a device. */
  record Segment(long byteSize, String name) {}

  /** By number. */
  private final Map<Integer, Segment> segments = new TreeMap<>();

  private @Nullable ModelMemory memory;

  private @Nullable Vm machine;

  final ModelChips chips = new ModelChips(this);

  // Guarded by the lock.
  int suspension;
  boolean destroyed;
  private int hostMappings;

  ModelVm(VmmModel kernel, String name, VmmFacts facts) {
    this.kernel = kernel;
    this.name = name;
    this.facts = facts;
  }

  /** {@return whether system memory was allocated} */
  boolean hasMemory() {
    return memory != null;
  }

  ModelMemory memory() {
    return Objects.requireNonNull(memory);
  }

  long allocate(int number, long byteSize, String name) {
    synchronized (lock) {
      if (number < 0 || number >= facts.number("VM_MAX_MEMSEGS")) {
        return -FreeBsdErrno.EINVAL;
      }
      if (byteSize <= 0 || !ModelMemory.isPage(byteSize)) {
        return -FreeBsdErrno.EINVAL;
      }
      Segment old = segments.get(number);
      if (old != null) {
        boolean same = old.byteSize() == byteSize && old.name().isEmpty() == name.isEmpty();
        return same ? -FreeBsdErrno.EEXIST : -FreeBsdErrno.EINVAL;
      }
      segments.put(number, new Segment(byteSize, name));
      if (number == facts.number("VM_SYSMEM") && name.isEmpty()) {
        machine = processors.createVm(VmOptions.ofMemory(byteSize));
        memory = new ModelMemory(machine);
      }
      return 0;
    }
  }

  /** {@return a segment, of 0 bytes if it was not allocated, or null if there cannot be one} */
  @Nullable Segment segment(int number) {
    synchronized (lock) {
      boolean exists = number >= 0 && number < facts.number("VM_MAX_MEMSEGS");
      return exists ? segments.getOrDefault(number, new Segment(0, "")) : null;
    }
  }

  boolean hasDevice(String name) {
    synchronized (lock) {
      return segments.values().stream().anyMatch(it -> it.name().equals(name));
    }
  }

  /** {@return a vCPU, made when first used, or null if there cannot be one of this number} */
  @Nullable ModelVcpu vcpu(int number) {
    synchronized (lock) {
      if (number < 0 || number >= MAX_VCPUS || memory == null) {
        return null;
      }
      return vcpus.computeIfAbsent(
          number, it -> new ModelVcpu(this, facts, Objects.requireNonNull(machine).createVcpu()));
    }
  }

  /** Waits until nobody runs a vCPU: who does is asked to come out. With the lock. */
  void awaitIdle(ModelVcpu vcpu) {
    vcpu.idleRequests++;
    try {
      while (vcpu.running && !destroyed) {
        vcpu.wake();
        await();
      }
    } finally {
      vcpu.idleRequests--;
      lock.notifyAll();
    }
  }

  /** Does something for which a vCPU must not run. */
  long whileIdle(ModelVcpu vcpu, LongSupplier action) {
    synchronized (lock) {
      awaitIdle(vcpu);
      return destroyed ? -FreeBsdErrno.ENXIO : action.getAsLong();
    }
  }

  long whileAllIdle(LongSupplier action) {
    synchronized (lock) {
      for (ModelVcpu vcpu : vcpus.values()) {
        vcpu.idleRequests++;
      }
      try {
        while (vcpus.values().stream().anyMatch(vcpu -> vcpu.running) && !destroyed) {
          vcpus.values().forEach(ModelVcpu::wake);
          await();
        }
        return destroyed ? -FreeBsdErrno.ENXIO : action.getAsLong();
      } finally {
        for (ModelVcpu vcpu : vcpus.values()) {
          vcpu.idleRequests--;
        }
        lock.notifyAll();
      }
    }
  }

  long activate(ModelVcpu vcpu) {
    synchronized (lock) {
      if (vcpu.active) {
        return -FreeBsdErrno.EBUSY;
      }
      vcpu.active = true;
      return 0;
    }
  }

  /** Marks a vCPU, or takes the mark away; of all that are active, if it is -1. */
  long mark(int number, boolean wanted) {
    if (number == -1) {
      synchronized (lock) {
        for (ModelVcpu vcpu : vcpus.values()) {
          vcpu.marked = wanted && vcpu.active;
          vcpu.wake();
        }
        return 0;
      }
    }
    ModelVcpu vcpu = vcpu(number);
    synchronized (lock) {
      if (vcpu == null || (wanted ? !vcpu.active : !vcpu.marked)) {
        return -FreeBsdErrno.EINVAL;
      }
      vcpu.marked = wanted;
      vcpu.wake();
      return 0;
    }
  }

  /** {@return those vCPUs, a bit for each} */
  long set(Predicate<ModelVcpu> wanted) {
    synchronized (lock) {
      long bits = 0;
      for (Map.Entry<Integer, ModelVcpu> each : vcpus.entrySet()) {
        bits |= wanted.test(each.getValue()) ? 1L << each.getKey() : 0;
      }
      return bits;
    }
  }

  long suspend(int how) {
    synchronized (lock) {
      if (how <= 0 || how >= facts.number("VM_SUSPEND_LAST")) {
        return -FreeBsdErrno.EINVAL;
      }
      if (suspension != 0) {
        return -facts.number("EALREADY");
      }
      suspension = how;
      vcpus.values().forEach(ModelVcpu::wake);
      return 0;
    }
  }

  boolean allSawSuspension() {
    return vcpus.values().stream().filter(vcpu -> vcpu.active).allMatch(it -> it.sawSuspension);
  }

  boolean allHaltedForGood() {
    return vcpus.values().stream().filter(vcpu -> vcpu.active).allMatch(ModelVcpu::isHaltedForGood);
  }

  /** Waits for whoever waits in VM_RUN until others have seen the end, too: for ever. */
  long reset() {
    return whileAllIdle(
        () -> {
          if (!vcpus.values().stream()
              .filter(vcpu -> vcpu.active)
              .allMatch(it -> it.reportedSuspension)) {
            return -FreeBsdErrno.EBUSY;
          }
          suspension = 0;
          chips.reset();
          if (memory != null) {
            memory.unmapDevices();
          }
          vcpus.values().forEach(ModelVcpu::reset);
          return 0;
        });
  }

  void mapped() {
    synchronized (lock) {
      hostMappings++;
    }
  }

  void unmapped() {
    synchronized (lock) {
      hostMappings--;
      freeIfUnused();
    }
  }

  /** Waits for whoever is in the kernel; before FreeBSD 15 nobody calls them out. */
  void destroy() {
    synchronized (lock) {
      if (facts.has("VM_SUSPEND_DESTROY")) {
        destroyed = true;
        vcpus.values().forEach(ModelVcpu::wake);
      }
      while (vcpus.values().stream().anyMatch(vcpu -> vcpu.running)) {
        await();
      }
      destroyed = true;
      chips.stop();
      freeIfUnused();
    }
  }

  /** The interrupt controllers ask all active vCPUs. With the lock. */
  void interrupt() {
    for (ModelVcpu vcpu : vcpus.values()) {
      if (vcpu.active) {
        vcpu.interrupted = true;
        vcpu.wake();
      }
    }
  }

  private void freeIfUnused() {
    if (destroyed && hostMappings == 0) {
      if (machine != null) {
        machine.close();
      }
      processors.close();
    }
  }

  /** Waits for a change; a change that never comes fails the test instead of hanging it. */
  void await() {
    long deadline = System.nanoTime() + DEADLOCK_NANOS;
    await(TimeUnit.NANOSECONDS.toMillis(DEADLOCK_NANOS));
    if (System.nanoTime() > deadline) {
      throw new AssertionError("waited for ever in the kernel");
    }
  }

  /** Waits for a change, or so long. Callers look whether there was one. */
  @SuppressWarnings("WaitNotInLoop")
  void await(long millis) {
    boolean interrupted = Thread.interrupted(); // what the JVM calls so means nothing to a kernel
    try {
      lock.wait(millis);
    } catch (InterruptedException e) {
      interrupted = true;
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
