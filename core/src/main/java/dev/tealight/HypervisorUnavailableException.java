// SPDX-License-Identifier: ISC
package dev.tealight;

/** Nothing on this host can run the guest. Gives one reason for each backend. */
public final class HypervisorUnavailableException extends VmmException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates one.
   *
   * @param message what failed, with which values, and what to do
   */
  public HypervisorUnavailableException(String message) {
    super(message, null);
  }

  /**
   * Creates one with its cause.
   *
   * @param message what failed, with which values, and what to do
   * @param cause what the host or a library reported
   */
  public HypervisorUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }
}
