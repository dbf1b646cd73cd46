// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** Mock backend, contract suites and guest programs for authors of tests. */
@NullMarked
module dev.tealight.testkit {
  requires transitive dev.tealight;
  requires static org.jspecify;
}
