// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import dev.tealight.device.DeviceConfig;
import dev.tealight.device.DeviceHypercall;
import dev.tealight.solo5.HvtAbi.Hypercall;
import dev.tealight.testkit.QueueLink;
import dev.tealight.testkit.contract.DeviceContract;
import java.util.List;

/** The network device keeps the contract of devices. */
class NetContractTest extends DeviceContract {
  private static final int RESULT_OFFSET = 24;

  @Override
  protected DeviceConfig config() {
    return NetConfig.of(mac -> new QueueLink());
  }

  @Override
  protected List<DeviceHypercall> hypercalls() {
    return List.of(call(Hypercall.NET_READ), call(Hypercall.NET_WRITE));
  }

  private static DeviceHypercall call(Hypercall call) {
    return new DeviceHypercall(call.nr(), call.name(), call.blockByteSize(), RESULT_OFFSET);
  }
}
