// SPDX-License-Identifier: ISC
package dev.tealight.bench;

import dev.tealight.CpuState;
import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.GuestMemory;
import dev.tealight.Hypervisor;
import dev.tealight.Region;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.Waiter;
import dev.tealight.spi.GuestArchitecture;
import dev.tealight.spi.VcpuAbility;
import dev.tealight.spi.VmAbility;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A hypervisor that adds up how long its vCPUs run.
 *
 * <p>A vCPU's first run also installs the guest's memory, which is the monitor's work. So it is
 * kicked first: what it does before the guest is entered, and one refused entry, stay outside. What
 * is counted as inside beyond the host's call is the backend's work around it, for which the
 * benchmark of a hypercall's round trip gives the scale.
 */
record TimedHypervisor(Hypervisor target, AtomicLong nanos) implements Hypervisor {

  @Override
  public String name() {
    return target.name();
  }

  @Override
  public String description() {
    return target.description();
  }

  @Override
  public GuestArchitecture architecture() {
    return target.architecture();
  }

  @Override
  public Vm createVm(VmOptions options) {
    return new TimedVm(target.createVm(options), nanos);
  }

  @Override
  public Waiter createWaiter() {
    return target.createWaiter();
  }

  @Override
  public void close() {
    target.close();
  }

  private record TimedVm(Vm target, AtomicLong nanos) implements Vm {

    @Override
    public GuestMemory memory() {
      return target.memory();
    }

    @Override
    public void protect(List<Region> regions) {
      target.protect(regions);
    }

    @Override
    public Vcpu createVcpu() {
      return new TimedVcpu(target.createVcpu(), nanos);
    }

    @Override
    public <T extends VmAbility> Optional<T> ability(Class<T> type) {
      return target.ability(type);
    }

    @Override
    public void close() {
      target.close();
    }
  }

  private static final class TimedVcpu implements Vcpu {
    private final Vcpu target;
    private final AtomicLong nanos;
    private boolean ready;

    TimedVcpu(Vcpu target, AtomicLong nanos) {
      this.target = target;
      this.nanos = nanos;
    }

    @Override
    public ExitKind run(ExitFrame exit) {
      if (!ready) {
        ready = true;
        target.kick();
        return target.run(exit);
      }
      long begin = System.nanoTime();
      ExitKind kind = target.run(exit);
      nanos.addAndGet(System.nanoTime() - begin);
      return kind;
    }

    @Override
    public void kick() {
      target.kick();
    }

    @Override
    public CpuState readState() {
      return target.readState();
    }

    @Override
    public void writeState(CpuState state) {
      target.writeState(state);
    }

    @Override
    public long cycleCounterHz() {
      return target.cycleCounterHz();
    }

    @Override
    public <T extends VcpuAbility> Optional<T> ability(Class<T> type) {
      return target.ability(type);
    }

    @Override
    public void close() {
      target.close();
    }
  }
}
