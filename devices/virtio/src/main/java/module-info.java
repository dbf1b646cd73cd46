// SPDX-License-Identifier: ISC

import org.jspecify.annotations.NullMarked;

/** Virtio devices as legacy PCI functions. */
@NullMarked
module dev.tealight.device.virtio {
  requires transitive dev.tealight;
  requires static org.jspecify;

  exports dev.tealight.device.virtio;

  provides dev.tealight.spi.VirtioProvider with
      dev.tealight.device.virtio.internal.PciVirtioProvider;
}
