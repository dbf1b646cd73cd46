// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** The parts of a PC that multiboot guests touch. Found by ServiceLoader; exports nothing. */
@NullMarked
module dev.tealight.device.pc {
  requires dev.tealight;
  requires static org.jspecify;

  provides dev.tealight.spi.PlatformProvider with
      dev.tealight.device.pc.internal.PcProvider;
}
