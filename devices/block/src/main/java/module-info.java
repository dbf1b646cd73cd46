// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** Block device. */
@NullMarked
module dev.tealight.device.block {
  requires transitive dev.tealight;
  requires static org.jspecify;
}
