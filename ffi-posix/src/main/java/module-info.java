// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/**
 * The one door to the C library: calls, errno, mappings, waiting. The only module that needs native
 * access.
 */
@NullMarked
@SuppressWarnings("module") // not every friend is there when this is compiled
module dev.tealight.ffi.posix {
  requires transitive dev.tealight;
  requires static org.jspecify;

  exports dev.tealight.ffi.posix to
      dev.tealight.device.net,
      dev.tealight.ffi.bhyve,
      dev.tealight.ffi.kvm,
      dev.tealight.launch;

  provides dev.tealight.spi.WaiterProvider with
      dev.tealight.ffi.posix.PollWaiterProvider;
}
