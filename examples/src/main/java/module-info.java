// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** The programs that README and docs show. */
@NullMarked
module dev.tealight.examples {
  requires transitive dev.tealight;
  requires dev.tealight.device.block;
  requires dev.tealight.device.net;
  requires static org.jspecify;

  exports dev.tealight.examples;
}
