// SPDX-License-Identifier: ISC
package dev.tealight;

/**
 * Told what happens to a monitor. Each method is called by the thread on which it happens and must
 * return soon; exceptions are logged and otherwise ignored.
 */
public interface MonitorObserver {

  /**
   * The monitor was built: image loaded, devices active, nothing run.
   *
   * @param monitor the monitor
   */
  default void created(Monitor monitor) {}

  /**
   * The guest is about to execute its first instruction. Exactly one of {@link #ended} and {@link
   * #failed} follows, on the same thread.
   *
   * @param monitor the monitor
   */
  default void started(Monitor monitor) {}

  /**
   * The guest waits for time or for a device.
   *
   * @param monitor the monitor
   * @param deadlineNanos when it wakes at the latest, or {@link Waiter#NO_DEADLINE}
   */
  default void waiting(Monitor monitor, long deadlineNanos) {}

  /**
   * A device could not do its work because of the host; the guest got an error code. Comes from the
   * thread that did the work, and after the end of the run from the one that closes the monitor.
   *
   * @param monitor the monitor
   * @param device the device's name
   * @param what the operation
   * @param cause what the host reported
   */
  default void deviceError(Monitor monitor, String device, String what, Exception cause) {}

  /**
   * The run ended with a result. Without {@link #started} before it, it was stopped before the
   * guest executed anything.
   *
   * @param monitor the monitor
   * @param result how
   * @param exits how many exits of each kind the vCPU had
   */
  default void ended(Monitor monitor, RunResult result, ExitCounts exits) {}

  /**
   * The run ended without a result, because the host, a handler or the executor failed. Without
   * {@link #started} before it, the guest executed nothing.
   *
   * @param monitor the monitor
   * @param cause what those who wait for the result are thrown
   * @param exits how many exits of each kind the vCPU had
   */
  default void failed(Monitor monitor, Throwable cause, ExitCounts exits) {}
}
