// SPDX-License-Identifier: ISC
package dev.tealight.fake;

import dev.tealight.ReadinessSource;
import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import java.util.List;

/** Clocks that a test moves, and a waiter that moves them to its deadline instead of sleeping. */
public final class FakeTime implements TimeSource, Waiter {
  public long monotonicNanos = 1_000;
  public long wallClockNanos = 1_700_000_000_123_456_789L;

  @Override
  public long monotonicNanos() {
    return monotonicNanos;
  }

  @Override
  public long wallClockNanos() {
    return wallClockNanos;
  }

  @Override
  public void await(TimeSource time, long deadlineNanos, List<ReadinessSource> sources) {
    monotonicNanos = Math.max(monotonicNanos, deadlineNanos);
  }

  @Override
  public void wake() {}

  @Override
  public void close() {}
}
