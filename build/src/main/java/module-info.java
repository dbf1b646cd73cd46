// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** Builds one customised monitor for each unikernel. */
@NullMarked
module dev.tealight.build {
  requires dev.tealight;
  requires dev.tealight.launch;
  requires static org.jspecify;

  exports dev.tealight.build;

  uses dev.tealight.spi.DeviceProvider;
  uses dev.tealight.spi.HypervisorProvider;
  uses dev.tealight.spi.PlatformProvider;
  uses dev.tealight.spi.VirtioProvider;
}
