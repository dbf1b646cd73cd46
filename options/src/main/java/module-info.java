// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** Devices named in text, and the entry of monitors that have devices. */
@NullMarked
module dev.tealight.options {
  requires transitive dev.tealight;
  requires dev.tealight.launch;
  requires static org.jspecify;

  exports dev.tealight.options;

  uses dev.tealight.spi.DeviceProvider;
}
