// SPDX-License-Identifier: ISC
package dev.tealight.spi;

/** Whether a backend can run guests on this host. */
public sealed interface Availability {

  /**
   * It can.
   *
   * @param description one line on what was found
   */
  record Available(String description) implements Availability {}

  /**
   * It cannot.
   *
   * @param reason what is missing and how to get it
   */
  record Unavailable(String reason) implements Availability {}
}
