// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.memory;

/** Leaves translated code before it stores to a page that holds decoded instructions. */
// Never serialised, and without a stack trace: one object serves all.
@SuppressWarnings({"serial", "StaticAssignmentOfThrowable"})
public final class WritesCode extends RuntimeException {
  static final WritesCode SIGNAL = new WritesCode();

  private WritesCode() {
    super(null, null, false, false);
  }
}
