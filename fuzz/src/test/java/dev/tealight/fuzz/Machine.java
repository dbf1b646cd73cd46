// SPDX-License-Identifier: ISC
package dev.tealight.fuzz;

import dev.tealight.Console;
import dev.tealight.CpuState;
import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.GuestMemory;
import dev.tealight.ReadinessSource;
import dev.tealight.Region;
import dev.tealight.TimeSource;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.Waiter;
import dev.tealight.X86CpuState;
import dev.tealight.internal.console.ConsoleQueue;
import dev.tealight.internal.run.HandlerTable;
import dev.tealight.internal.run.RunLoop;
import dev.tealight.solo5.HvtImage;
import dev.tealight.solo5.Solo5Hvt;
import dev.tealight.spi.BootContext;
import dev.tealight.spi.SharedWork;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * The least that an image can be booted on. All machines share one memory, since a target is called
 * many thousand times a second; one at a time is used.
 */
final class Machine implements BootContext, Vm, TimeSource, Waiter {
  private static final byte[] MEMORY = new byte[2 << 20];
  private static final HvtImage HELLO =
      Solo5Hvt.open(
          Elf.withNotes(
              List.of(
                  Elf.note(Elf.ABI_TYPE, new byte[] {1, 0, 0, 0, 2, 0, 0, 0}),
                  Elf.note(Elf.MANIFEST_TYPE, emptyManifest()))));

  List<String> arguments = List.of();

  private final GuestMemory memory = GuestMemory.over(MemorySegment.ofArray(MEMORY));
  private final HandlerTable handlers = new HandlerTable();
  private final ConsoleQueue console = new ConsoleQueue(Console.discard(), "fuzz");
  private Function<ExitFrame, ExitKind> guest = exit -> exit.event(ExitKind.INTERRUPTED, 0, 0);
  private long now;

  Machine() {
    Arrays.fill(MEMORY, (byte) 0);
  }

  private static byte[] emptyManifest() {
    byte[] manifest = new byte[4 + 8 + 104];
    manifest[4] = 1; // version
    manifest[8] = 1; // entries: the reserved one
    manifest[4 + 8 + 71] = 0x40; // its type
    return manifest;
  }

  /** Boots an image without devices. */
  void bootHello() {
    HELLO.boot(this);
  }

  /** Returns a loop whose guest does what it is given. */
  RunLoop loop(Function<ExitFrame, ExitKind> guest) {
    this.guest = guest;
    return new RunLoop(vcpu, memory, handlers, HELLO.hypercalls(), this, this, Duration.ZERO);
  }

  private final Vcpu vcpu =
      new Vcpu() {
        @Override
        public ExitKind run(ExitFrame exit) {
          return guest.apply(exit);
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
      };

  @Override
  public Vm vm() {
    return this;
  }

  @Override
  public Vcpu vcpu() {
    return vcpu;
  }

  @Override
  public List<String> arguments() {
    return arguments;
  }

  @Override
  public List<AttachedDevice> devices() {
    return List.of();
  }

  @Override
  public HandlerTable registry() {
    return handlers;
  }

  @Override
  public void doorbell(int port, String owner, SharedWork work) {}

  @Override
  public ConsoleQueue console() {
    return console;
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
    return vcpu;
  }

  @Override
  public long monotonicNanos() {
    return now;
  }

  @Override
  public long wallClockNanos() {
    return now;
  }

  @Override
  public void await(TimeSource time, long deadlineNanos, List<ReadinessSource> sources) {
    now = Math.max(now, deadlineNanos);
  }

  @Override
  public void wake() {}

  @Override
  public void close() {}
}
