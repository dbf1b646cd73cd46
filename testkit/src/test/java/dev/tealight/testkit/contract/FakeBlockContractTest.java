// SPDX-License-Identifier: ISC

package dev.tealight.testkit.contract;

import dev.tealight.device.DeviceConfig;
import dev.tealight.device.DeviceHypercall;
import java.util.List;

/** The suite's own block device keeps the contract of devices. */
class FakeBlockContractTest extends DeviceContract {

  @Override
  protected DeviceConfig config() {
    return FakeDevices.block(1 << 20, 512);
  }

  @Override
  protected List<DeviceHypercall> hypercalls() {
    return List.of(FakeDevices.READ, FakeDevices.WRITE);
  }
}
