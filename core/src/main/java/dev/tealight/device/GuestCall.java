// SPDX-License-Identifier: ISC
package dev.tealight.device;

import dev.tealight.ExitFrame;
import dev.tealight.GuestMemory;
import dev.tealight.ReadinessSource;
import dev.tealight.RunResult;
import dev.tealight.TimeSource;
import java.util.List;

/**
 * What a handler sees of the guest's request that it handles. Valid during the call only, on the
 * vCPU thread only.
 */
public interface GuestCall {

  /** {@return the memory of the guest} */
  GuestMemory memory();

  /** {@return the clocks of the monitor} */
  TimeSource time();

  /** {@return the exit that carried the request} */
  ExitFrame exit();

  /**
   * {@return the argument of a hypercall, in Solo5's ABI the address of its argument block; 0 for
   * other requests} It comes from the guest unchecked.
   */
  long argument();

  /**
   * Asks the loop to sleep. At most one of the conditions must come true for it to wake; it may
   * also wake for none.
   *
   * @param deadlineNanos on {@link TimeSource#monotonicNanos}'s scale, or {@link
   *     dev.tealight.Waiter#NO_DEADLINE}
   * @param sources made once and passed again in every call, so that waiting allocates nothing
   * @return {@link Outcome#WAIT}, to be returned by the handler
   */
  Outcome waitFor(long deadlineNanos, List<ReadinessSource> sources);

  /**
   * Ends the run.
   *
   * @param result what the embedder gets
   * @return {@link Outcome#END}, to be returned by the handler
   */
  Outcome end(RunResult result);

  /**
   * Ends the run as the guest's fault.
   *
   * @param reason what it did, with the values
   * @return {@link Outcome#END}, to be returned by the handler
   */
  Outcome fault(String reason);
}
