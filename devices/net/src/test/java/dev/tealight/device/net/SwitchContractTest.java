// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import dev.tealight.device.DeviceConfig;
import dev.tealight.device.MacAddress;

/** The network device on a switch keeps the contract of devices. */
class SwitchContractTest extends NetContractTest {
  private int ports;

  /** A device of its own port each time: the contract has several at once. */
  @Override
  protected DeviceConfig config() {
    return NetConfig.of(mac -> new VirtualSwitch().port("port" + ports++).open(mac))
        .mac(new MacAddress(0x0200_0000_0001L));
  }
}
