// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tealight.Hypervisor;
import dev.tealight.testkit.contract.GuestSuite;
import org.junit.jupiter.api.Nested;

/**
 * The bhyve backend keeps the promises to guests on a model of every version of vmm. What a version
 * changes has nothing to do with where classes come from: by day, 15 alone is tried on both paths.
 */
class BhyveGuestsTest {

  /** Skips the suite on the other path, but at night. */
  private static void byDayOnlyOn(boolean modulePath) {
    boolean here = BhyveGuestsTest.class.getModule().isNamed();
    assumeTrue(
        here == modulePath || "nightly".equals(System.getProperty("tealight.effort")),
        "by day it runs on the %s path alone".formatted(modulePath ? "module" : "class"));
  }

  /** What is the same for all of them. */
  abstract static class OnTheModel extends GuestSuite {
    @Override
    protected boolean protectsBeyondWrites() {
      return true;
    }

    /** A real kernel lets guests read what is mapped for execution alone. */
    @Override
    protected boolean protectsReads() {
      return false;
    }
  }

  @Nested
  class Of15OnIntel extends OnTheModel {
    @Override
    protected Hypervisor open() {
      byDayOnlyOn(true);
      return BhyveContractTest.open(15, false);
    }
  }

  @Nested
  class Of13 extends OnTheModel {
    @Override
    protected Hypervisor open() {
      byDayOnlyOn(false);
      return BhyveContractTest.open(13, true);
    }
  }

  @Nested
  class Of14 extends OnTheModel {
    @Override
    protected Hypervisor open() {
      byDayOnlyOn(true);
      return BhyveContractTest.open(14, true);
    }
  }

  @Nested
  class Of15 extends OnTheModel {
    @Override
    protected Hypervisor open() {
      return BhyveContractTest.open(15, true);
    }
  }
}
