// SPDX-License-Identifier: ISC
package dev.tealight.options;

/** A command line cannot be understood. */
public final class UsageException extends Exception {
  private static final long serialVersionUID = 1L;

  /**
   * Creates one.
   *
   * @param message names the word and says what was expected
   */
  public UsageException(String message) {
    super(message);
  }
}
