// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.translate;

/** Leaves translated code in front of an instruction whose operands are better interpreted. */
// Never serialised, and without a stack trace: one object serves all.
@SuppressWarnings({"serial", "StaticAssignmentOfThrowable"})
final class Uncommon extends RuntimeException {
  static final Uncommon SIGNAL = new Uncommon();

  private Uncommon() {
    super(null, null, false, false);
  }
}
