// SPDX-License-Identifier: ISC
package dev.tealight;

/** A device could not be attached or served because of the host. Names the device. */
public final class DeviceException extends VmmException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates one.
   *
   * @param message what failed, with which values, and what to do
   */
  public DeviceException(String message) {
    super(message, null);
  }

  /**
   * Creates one with its cause.
   *
   * @param message what failed, with which values, and what to do
   * @param cause what the host or a library reported
   */
  public DeviceException(String message, Throwable cause) {
    super(message, cause);
  }
}
