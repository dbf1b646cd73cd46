// SPDX-License-Identifier: ISC
package dev.tealight.device.pc.internal;

import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import dev.tealight.device.GuestCallRegistry;

/** Interrupt controllers, timer and clock, where the hypervisor has none of its own. */
final class OwnChips {
  private static final int TIMER_LINE = 0;

  private final InterruptController interrupts = new InterruptController();
  private final IntervalTimer timer;

  OwnChips(GuestCallRegistry registry, TimeSource time) {
    timer = new IntervalTimer(time);
    interrupts.register(registry);
    timer.register(registry);
    new RealTimeClock(time).register(registry);
  }

  InterruptLines lines() {
    return interrupts;
  }

  boolean hasInterrupt() {
    // While its line is masked, the timer's ticks need not be counted: one is remembered anyway.
    if (!interrupts.isMasked(TIMER_LINE) && timer.takeTick()) {
      interrupts.pulse(TIMER_LINE);
    }
    return interrupts.isPending();
  }

  int acknowledgeInterrupt() {
    return interrupts.acknowledge();
  }

  long nextEventNanos() {
    return interrupts.isMasked(TIMER_LINE) ? Waiter.NO_DEADLINE : timer.nextTickNanos();
  }
}
