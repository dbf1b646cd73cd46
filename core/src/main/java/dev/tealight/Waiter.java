// SPDX-License-Identifier: ISC
package dev.tealight;

import java.util.List;

/**
 * Where a run loop sleeps until a deadline, a {@link ReadinessSource} or a wake-up, whichever comes
 * first.
 *
 * <p>One thread at a time awaits; any thread wakes.
 */
public interface Waiter extends AutoCloseable {

  /** A deadline that never comes. */
  long NO_DEADLINE = Long.MAX_VALUE;

  /**
   * Blocks until one of the sources is ready, the deadline has passed, or {@link #wake} was called
   * since the last return. May return early without any of these; the caller looks again at what it
   * waits for.
   *
   * @param time the clock of the deadline
   * @param deadlineNanos on {@link TimeSource#monotonicNanos}'s scale, or {@link #NO_DEADLINE}
   * @param sources what to wait for; the same list object in repeated calls costs nothing to
   *     prepare
   * @throws HostCallException if the host fails
   * @throws IllegalStateException if it is closed
   */
  void await(TimeSource time, long deadlineNanos, List<ReadinessSource> sources);

  /** Ends the current wait, or the next one at once. Never blocks; after close it does nothing. */
  void wake();

  /**
   * Frees it; harmless if repeated.
   *
   * @throws IllegalStateException if a thread waits here and the host uses what would be freed;
   *     nothing is freed then
   */
  @Override
  void close();
}
