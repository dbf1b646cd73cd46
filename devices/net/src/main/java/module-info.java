// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** Network device. */
@NullMarked
module dev.tealight.device.net {
  requires transitive dev.tealight;
  requires dev.tealight.ffi.posix;
  requires static org.jspecify;

  exports dev.tealight.device.net;

  provides dev.tealight.spi.DeviceProvider with
      dev.tealight.device.net.internal.NetDeviceProvider;
}
