// SPDX-License-Identifier: ISC
package dev.tealight;

/**
 * The guest named memory that does not exist or that it may not use in this way, or broke the rules
 * of a ring that it shares with the monitor.
 *
 * <p>A handler need not catch it: the run loop turns it into {@link RunResult.Faulted}. It is
 * thrown by {@link GuestMemory}, and by devices that share structures in it with the guest; never
 * for a mistake of the host.
 */
public final class GuestAccessException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates one.
   *
   * @param message what the guest named and the rule it breaks
   */
  public GuestAccessException(String message) {
    super(message);
  }
}
