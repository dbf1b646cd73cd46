// SPDX-License-Identifier: ISC
package dev.tealight;

/** The clocks a guest sees through the monitor. Any thread may use it. */
public interface TimeSource {

  /** {@return the host's clocks} */
  static TimeSource system() {
    return new SystemTime();
  }

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
    long now = monotonicNanos();
    // A clock may start below zero: only a sum beyond the largest instant saturates.
    return now > 0 && nanos > Waiter.NO_DEADLINE - now ? Waiter.NO_DEADLINE : now + nanos;
  }
}
