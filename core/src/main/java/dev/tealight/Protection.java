// SPDX-License-Identifier: ISC
package dev.tealight;

/**
 * What the guest may do with a region of its memory. The monitor itself may always read and write;
 * what it writes on the guest's behalf is held to the same rule, see {@link GuestMemory}.
 *
 * <p>Not every host can withhold every right: KVM withholds writing alone. A backend enforces what
 * it can and never grants less than was asked for.
 *
 * @param read data may be loaded
 * @param write data may be stored
 * @param execute instructions may be fetched
 */
public record Protection(boolean read, boolean write, boolean execute) {

  /** Everything is allowed: the state of memory that no region names. */
  public static final Protection ALL = new Protection(true, true, true);

  /** Reading alone. */
  public static final Protection READ_ONLY = new Protection(true, false, false);

  /** Reading and executing. */
  public static final Protection READ_EXECUTE = new Protection(true, false, true);

  /** Reading and writing. */
  public static final Protection READ_WRITE = new Protection(true, true, false);

  @Override
  public String toString() {
    return (read ? "r" : "-") + (write ? "w" : "-") + (execute ? "x" : "-");
  }
}
