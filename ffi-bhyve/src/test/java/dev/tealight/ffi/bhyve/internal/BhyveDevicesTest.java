// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import dev.tealight.Hypervisor;
import org.junit.jupiter.api.Nested;

/** Devices work on a model of every version of vmm. */
class BhyveDevicesTest {

  @Nested
  class On13 extends DeviceGuests {
    @Override
    Hypervisor open() {
      return BhyveContractTest.open(13, true);
    }
  }

  @Nested
  class On14 extends DeviceGuests {
    @Override
    Hypervisor open() {
      return BhyveContractTest.open(14, true);
    }
  }

  @Nested
  class On15 extends DeviceGuests {
    @Override
    Hypervisor open() {
      return BhyveContractTest.open(15, true);
    }
  }
}
