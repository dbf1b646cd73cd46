// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** Block device. */
@NullMarked
module dev.tealight.device.block {
  requires transitive dev.tealight;
  requires static org.jspecify;

  exports dev.tealight.device.block;

  provides dev.tealight.spi.DeviceProvider with
      dev.tealight.device.block.internal.BlockDeviceProvider;
}
