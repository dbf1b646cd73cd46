// SPDX-License-Identifier: ISC

package dev.tealight.device.block;

import dev.tealight.device.DeviceConfig;
import dev.tealight.device.DeviceHypercall;
import dev.tealight.solo5.HvtAbi.Hypercall;
import dev.tealight.testkit.contract.DeviceContract;
import java.util.List;

/** The block device keeps the contract of devices. */
class BlockContractTest extends DeviceContract {
  private static final int RESULT_OFFSET = 32;

  @Override
  protected DeviceConfig config() {
    return BlockConfig.memory(1 << 20);
  }

  @Override
  protected List<DeviceHypercall> hypercalls() {
    return List.of(call(Hypercall.BLOCK_READ), call(Hypercall.BLOCK_WRITE));
  }

  private static DeviceHypercall call(Hypercall call) {
    return new DeviceHypercall(call.nr(), call.name(), call.blockByteSize(), RESULT_OFFSET);
  }
}
