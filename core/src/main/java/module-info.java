// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** Runs unikernels: monitor, vCPUs, guest memory, devices. */
@NullMarked
module dev.tealight {
  requires org.slf4j;
  requires static org.jspecify;

  exports dev.tealight;
  exports dev.tealight.device;
  exports dev.tealight.multiboot;
  exports dev.tealight.solo5;
  exports dev.tealight.spi;

  uses dev.tealight.spi.HypervisorProvider;
  uses dev.tealight.spi.PlatformProvider;
  uses dev.tealight.spi.VirtioProvider;
}
