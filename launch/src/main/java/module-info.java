// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** Runs one guest as a process: for the command line, and the entry of built monitors. */
@NullMarked
@SuppressWarnings("module") // not every friend is there when this is compiled
module dev.tealight.launch {
  requires transitive dev.tealight;
  // There if the backend for KVM is: a monitor for another one has neither.
  requires static dev.tealight.ffi.kvm;
  requires static dev.tealight.ffi.posix;
  requires org.slf4j;
  requires static org.jspecify;

  exports dev.tealight.launch to
      dev.tealight.build,
      dev.tealight.options,
      dev.tealight.tender,
      org.slf4j;

  uses dev.tealight.spi.HypervisorProvider;
}
