// SPDX-License-Identifier: ISC
package dev.tealight;

import java.time.Instant;

/** The clocks a guest sees through the monitor. Any thread may use it. */
public interface TimeSource {

  /** The host's clocks. */
  TimeSource SYSTEM =
      new TimeSource() {
        @Override
        public long monotonicNanos() {
          return System.nanoTime();
        }

        @Override
        public long wallClockNanos() {
          Instant now = Instant.now();
          return now.getEpochSecond() * 1_000_000_000L + now.getNano();
        }
      };

  /** {@return nanoseconds from an arbitrary start, never running backwards} */
  long monotonicNanos();

  /** {@return nanoseconds since the Unix epoch, UTC} */
  long wallClockNanos();

  /**
   * {@return the instant a while from now, saturating at {@link Waiter#NO_DEADLINE}}
   *
   * @param nanos at least 0; the guest's unsigned values above {@code 2^63} count as never
   */
  default long deadlineAfter(long nanos) {
    if (nanos < 0) {
      return Waiter.NO_DEADLINE;
    }
    long deadline = monotonicNanos() + nanos;
    return deadline < 0 && nanos > 0 && monotonicNanos() >= 0 ? Waiter.NO_DEADLINE : deadline;
  }
}
