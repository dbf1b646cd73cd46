// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** Benchmarks and side-by-side runs against peers. */
@NullMarked
@SuppressWarnings("requires-automatic") // JMH has no module descriptor
module dev.tealight.bench {
  requires dev.tealight;
  requires dev.tealight.device.block;
  requires dev.tealight.device.net;
  requires dev.tealight.ffi.kvm;
  requires dev.tealight.softcpu;
  requires java.management;
  requires jdk.management;
  requires jmh.core;
  requires static org.jspecify;
}
