// SPDX-License-Identifier: ISC
package dev.tealight;

/** The embedder asked for something impossible. Nothing of it is left behind. */
public final class ConfigurationException extends VmmException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates one.
   *
   * @param message what failed, with which values, and what to do
   */
  public ConfigurationException(String message) {
    super(message, null);
  }

  /**
   * Creates one with its cause.
   *
   * @param message what failed, with which values, and what to do
   * @param cause what the host or a library reported
   */
  public ConfigurationException(String message, Throwable cause) {
    super(message, cause);
  }
}
