// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import dev.tealight.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Clocks that stand still until somebody moves them. A waiter of the {@link MockHypervisor} that
 * would sleep until a deadline on them moves them there instead, so that a guest which sleeps for
 * an hour takes no time. Any thread may use it.
 */
public final class VirtualTime implements TimeSource {
  private final long wallClockStartNanos;
  private final AtomicLong monotonicNanos = new AtomicLong();

  /** Creates clocks at the beginning of the year 2026, with 0 ns on the monotonic one. */
  public VirtualTime() {
    this(Instant.parse("2026-01-01T00:00:00Z"));
  }

  /**
   * Creates clocks with 0 ns on the monotonic one.
   *
   * @param wallClock what the other one shows
   */
  public VirtualTime(Instant wallClock) {
    wallClockStartNanos = wallClock.getEpochSecond() * 1_000_000_000L + wallClock.getNano();
  }

  /**
   * Moves both clocks on.
   *
   * @param duration by how much, at least 0
   */
  public void advance(Duration duration) {
    if (duration.isNegative()) {
      throw new IllegalArgumentException("time never runs backwards: " + duration);
    }
    monotonicNanos.addAndGet(duration.toNanos());
  }

  /**
   * Moves both clocks on to an instant, unless it has passed.
   *
   * @param nanos on {@link #monotonicNanos}'s scale
   */
  public void advanceTo(long nanos) {
    monotonicNanos.accumulateAndGet(nanos, Math::max);
  }

  @Override
  public long monotonicNanos() {
    return monotonicNanos.get();
  }

  @Override
  public long wallClockNanos() {
    return wallClockStartNanos + monotonicNanos.get();
  }
}
