// SPDX-License-Identifier: ISC
package dev.tealight.device.pc.internal;

import dev.tealight.ExitKind;
import dev.tealight.RunResult;
import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestCallRegistry;
import dev.tealight.device.Outcome;
import dev.tealight.device.PciBus;
import dev.tealight.spi.ConsoleOutput;
import dev.tealight.spi.Platform;

/** The smallest PC that guests boot on. */
final class Pc implements Platform {
  private static final int TIMER_LINE = 0;
  private static final int EXIT_PORT = 0xf4;

  private final InterruptController interrupts = new InterruptController();
  private final IntervalTimer timer;
  private final PciRoot pci;

  Pc(GuestCallRegistry registry, TimeSource time, ConsoleOutput console) {
    timer = new IntervalTimer(time);
    interrupts.register(registry);
    timer.register(registry);
    new RealTimeClock(time).register(registry);
    new SerialPort(console).register(registry);
    pci = new PciRoot(registry, interrupts);
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
    // While its line is masked, the timer's ticks need not be counted: one is remembered anyway.
    if (!interrupts.isMasked(TIMER_LINE) && timer.takeTick()) {
      interrupts.pulse(TIMER_LINE);
    }
    return interrupts.isPending();
  }

  @Override
  public int acknowledgeInterrupt() {
    return interrupts.acknowledge();
  }

  @Override
  public long nextEventNanos() {
    return interrupts.isMasked(TIMER_LINE) ? Waiter.NO_DEADLINE : timer.nextTickNanos();
  }

  @Override
  public void poll(boolean halted) {
    pci.poll(halted);
  }
}
