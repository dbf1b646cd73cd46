// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** Benchmarks and side-by-side runs against peers. */
@NullMarked
module dev.tealight.bench {
  requires dev.tealight;
  requires static org.jspecify;
}
