// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** Backend for Linux KVM. */
@NullMarked
module dev.tealight.ffi.kvm {
  requires dev.tealight;
  requires dev.tealight.ffi.posix;
  requires static org.jspecify;
}
