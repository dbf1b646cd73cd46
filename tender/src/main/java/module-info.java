// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** Command-line monitor. */
@NullMarked
module dev.tealight.tender {
  requires dev.tealight;
  requires info.picocli;
  requires org.slf4j;
  requires static org.jspecify;

  uses dev.tealight.spi.DeviceProvider;

  provides org.slf4j.spi.SLF4JServiceProvider with
      dev.tealight.tender.StderrLogging;

  opens dev.tealight.tender to
      info.picocli;
}
