// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** The one door to the C library: calls, errno, mappings, waiting. */
@NullMarked
module dev.tealight.ffi.posix {
  requires static org.jspecify;
}
