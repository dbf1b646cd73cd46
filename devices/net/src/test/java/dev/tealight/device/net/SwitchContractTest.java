// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import dev.tealight.device.DeviceConfig;
import dev.tealight.device.DeviceHypercall;
import dev.tealight.device.MacAddress;
import dev.tealight.solo5.HvtAbi.Hypercall;
import dev.tealight.testkit.contract.DeviceContract;
import java.util.List;

/** The network device on a switch keeps the contract of devices. */
class SwitchContractTest extends DeviceContract {
  private int ports;

  /** A device of its own port each time: the contract has several at once. */
  @Override
  protected DeviceConfig config() {
    return NetConfig.of(mac -> new VirtualSwitch().port("port" + ports++).open(mac))
        .mac(new MacAddress(0x0200_0000_0001L));
  }

  @Override
  protected List<DeviceHypercall> hypercalls() {
    return List.of(
        new DeviceHypercall(Hypercall.NET_READ.nr(), "NET_READ", 32, 24),
        new DeviceHypercall(Hypercall.NET_WRITE.nr(), "NET_WRITE", 32, 24));
  }
}
