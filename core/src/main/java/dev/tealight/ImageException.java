// SPDX-License-Identifier: ISC
package dev.tealight;

/**
 * The image is not one that can be run: its format, ABI number or manifest is wrong. Names offset
 * and field.
 */
public final class ImageException extends VmmException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates one.
   *
   * @param message what failed, with which values, and what to do
   */
  public ImageException(String message) {
    super(message, null);
  }

  /**
   * Creates one with its cause.
   *
   * @param message what failed, with which values, and what to do
   * @param cause what the host or a library reported
   */
  public ImageException(String message, Throwable cause) {
    super(message, cause);
  }
}
