// SPDX-License-Identifier: ISC
package dev.tealight.bench;

import dev.tealight.CpuState;
import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.GuestMemory;
import dev.tealight.Hypervisor;
import dev.tealight.ReadinessSource;
import dev.tealight.Region;
import dev.tealight.TimeSource;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.Waiter;
import dev.tealight.X86CpuState;
import dev.tealight.spi.GuestArchitecture;
import java.lang.foreign.Arena;
import java.util.List;

/**
 * A hypervisor whose guests take no time: they make one hypercall again and again, then another.
 * What is left is the run loop.
 *
 * @param calls how many times the first one
 */
record InstantHypervisor(int calls) implements Hypervisor {
  private static final int WALLTIME_PORT = 0x501;
  private static final int HALT_PORT = 0x508;
  private static final long ARGUMENT = 0x2000;

  @Override
  public String name() {
    return "instant";
  }

  @Override
  public String description() {
    return "takes no time";
  }

  @Override
  public GuestArchitecture architecture() {
    return GuestArchitecture.X86_64;
  }

  @Override
  public Vm createVm(VmOptions options) {
    return new InstantVm(options.memoryByteSize(), calls);
  }

  @Override
  public Waiter createWaiter() {
    return new Waiter() {
      @Override
      public void await(TimeSource time, long deadlineNanos, List<ReadinessSource> sources) {}

      @Override
      public void wake() {}

      @Override
      public void close() {}
    };
  }

  @Override
  public void close() {}

  private static final class InstantVm implements Vm {
    private final Arena arena = Arena.ofShared();
    private final GuestMemory memory;
    private final int calls;

    InstantVm(long byteSize, int calls) {
      memory = GuestMemory.over(arena.allocate(byteSize));
      this.calls = calls;
    }

    @Override
    public GuestMemory memory() {
      return memory;
    }

    @Override
    public void protect(List<Region> regions) {
      memory.restrict(regions);
    }

    @Override
    public Vcpu createVcpu() {
      return new InstantVcpu(calls);
    }

    @Override
    public void close() {
      arena.close();
    }
  }

  private static final class InstantVcpu implements Vcpu {
    private int callsLeft;

    InstantVcpu(int calls) {
      callsLeft = calls;
    }

    @Override
    public ExitKind run(ExitFrame exit) {
      int port = callsLeft-- > 0 ? WALLTIME_PORT : HALT_PORT;
      return exit.access(ExitKind.IO_WRITE, port, Integer.BYTES, ARGUMENT);
    }

    @Override
    public void kick() {}

    @Override
    public CpuState readState() {
      return new X86CpuState();
    }

    @Override
    public void writeState(CpuState state) {}

    @Override
    public long cycleCounterHz() {
      return 1_000_000_000;
    }

    @Override
    public void close() {}
  }
}
