// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.memory;

/** Leaves translated code before an access that the translation cache does not allow as it is. */
// Never serialised, and without a stack trace: one object serves all.
@SuppressWarnings({"serial", "StaticAssignmentOfThrowable"})
public final class NotCached extends RuntimeException {
  static final NotCached SIGNAL = new NotCached();

  private NotCached() {
    super(null, null, false, false);
  }
}
