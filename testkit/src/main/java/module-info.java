// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** Mock backend, contract suites and guest programs for authors of tests. */
@NullMarked
module dev.tealight.testkit {
  requires transitive dev.tealight;
  requires org.slf4j;
  requires static org.jspecify;
  // For the contract suites alone: the mock works without.
  requires static transitive org.junit.jupiter.api;
  requires static org.junit.jupiter.params;

  exports dev.tealight.testkit;
  exports dev.tealight.testkit.contract;

  // JUnit calls the tests in it.
  opens dev.tealight.testkit.contract;

  provides dev.tealight.spi.HypervisorProvider with
      dev.tealight.testkit.internal.MockHypervisorProvider;
}
