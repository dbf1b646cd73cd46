// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** Command-line monitor. */
@NullMarked
module dev.tealight.tender {
  requires dev.tealight;
  requires dev.tealight.build;
  requires dev.tealight.ffi.kvm;
  requires dev.tealight.launch;
  requires dev.tealight.options;
  requires dev.tealight.softcpu;
  requires info.picocli;
  requires static org.jspecify;

  opens dev.tealight.tender to
      info.picocli;
}
