// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** Command-line monitor. */
@NullMarked
module dev.tealight.tender {
  requires dev.tealight;
  requires static org.jspecify;
}
