// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** Command-line monitor. */
@NullMarked
module dev.tealight.tender {
  requires dev.tealight;
  requires dev.tealight.ffi.kvm;
  requires dev.tealight.ffi.posix;
  requires dev.tealight.softcpu;
  requires info.picocli;
  requires org.slf4j;
  requires static org.jspecify;

  exports dev.tealight.tender to
      org.slf4j;

  uses dev.tealight.spi.DeviceProvider;
  uses dev.tealight.spi.HypervisorProvider;

  opens dev.tealight.tender to
      info.picocli;
}
