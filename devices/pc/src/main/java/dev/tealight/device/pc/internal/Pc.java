// SPDX-License-Identifier: ISC
package dev.tealight.device.pc.internal;

import dev.tealight.ExitKind;
import dev.tealight.ReadinessSource;
import dev.tealight.RunResult;
import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestCallRegistry;
import dev.tealight.device.Outcome;
import dev.tealight.device.PciBus;
import dev.tealight.spi.ConsoleOutput;
import dev.tealight.spi.HostedChips;
import dev.tealight.spi.Platform;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The smallest PC that guests boot on. */
final class Pc implements Platform {
  private static final int EXIT_PORT = 0xf4;

  /** Null if the hypervisor has them. */
  private final @Nullable OwnChips own;

  private final PciRoot pci;

  Pc(
      GuestCallRegistry registry,
      TimeSource time,
      ConsoleOutput console,
      Optional<HostedChips> hosted) {
    InterruptLines lines;
    if (hosted.isPresent()) {
      own = null;
      lines = InterruptLines.of(hosted.get());
      // The clocks of hypervisors begin in 1970.
      hosted.get().setClock(Math.max(0, TimeUnit.NANOSECONDS.toSeconds(time.wallClockNanos())));
    } else {
      own = new OwnChips(registry, time);
      lines = own.lines();
    }
    new SerialPort(console).register(registry);
    pci = new PciRoot(registry, lines);
    registry.ports(EXIT_PORT, Integer.BYTES, "debug exit", Pc::exit);
  }

  private static Outcome exit(GuestCall call) {
    return call.exit().kind() == ExitKind.IO_WRITE
        ? call.end(new RunResult.Halted((int) call.exit().value()))
        : Outcome.CONTINUE;
  }

  @Override
  public PciBus pci() {
    return pci;
  }

  @Override
  public boolean hasInterrupt() {
    return own != null && own.hasInterrupt();
  }

  @Override
  public int acknowledgeInterrupt() {
    if (own == null) {
      throw new IllegalStateException("the hypervisor delivers interrupts itself");
    }
    return own.acknowledgeInterrupt();
  }

  @Override
  public long nextEventNanos() {
    return own == null ? Waiter.NO_DEADLINE : own.nextEventNanos();
  }

  @Override
  public void poll(boolean halted) {
    pci.poll(halted);
  }

  @Override
  public boolean takesFrom(ReadinessSource source) {
    return pci.takesFrom(source);
  }
}
