// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import dev.tealight.Hypervisor;
import dev.tealight.testkit.contract.GuestSuite;
import org.junit.jupiter.api.Nested;

/** The bhyve backend keeps the promises to guests on a model of every version of vmm. */
class BhyveGuestsTest {

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
      return BhyveContractTest.open(15, false);
    }
  }

  @Nested
  class Of13 extends OnTheModel {
    @Override
    protected Hypervisor open() {
      return BhyveContractTest.open(13, true);
    }
  }

  @Nested
  class Of14 extends OnTheModel {
    @Override
    protected Hypervisor open() {
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
