// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** Backend for FreeBSD bhyve. */
@NullMarked
module dev.tealight.ffi.bhyve {
  requires transitive dev.tealight;
  requires dev.tealight.ffi.posix;
  requires org.slf4j;
  requires static org.jspecify;

  exports dev.tealight.ffi.bhyve;

  provides dev.tealight.spi.HypervisorProvider with
      dev.tealight.ffi.bhyve.internal.BhyveHypervisorProvider;
}
