// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.differential;

import java.io.IOException;

/**
 * Makes a failing case smaller: replaces by NOPs each instruction that the failure does not need.
 */
final class Shrinker {

  /** Whether a case still fails. */
  @FunctionalInterface
  interface Failure {
    boolean isIn(TestCase test) throws IOException;
  }

  private Shrinker() {}

  static TestCase shrink(TestCase failing, Failure failure) throws IOException {
    TestCase smallest = failing;
    for (int i = 0; i < failing.instructionCount(); i++) {
      TestCase smaller = smallest.without(i);
      if (failure.isIn(smaller)) {
        smallest = smaller;
      }
    }
    return smallest;
  }
}
