// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import dev.tealight.Image;
import dev.tealight.ImageException;
import dev.tealight.spi.BootImage;
import dev.tealight.spi.BootProtocol;

/** Solo5's guests for all targets that can be run: hvt and virtio. */
public final class Solo5 {

  /** Reads and boots images for the target that their ABI note names. */
  public static final BootProtocol PROTOCOL = new ByTarget(Solo5Hvt.PROTOCOL);

  /** As {@link #PROTOCOL}, but hvt guests with network devices get no shared ring. */
  public static final BootProtocol PROTOCOL_WITHOUT_RING =
      new ByTarget(Solo5Hvt.PROTOCOL_WITHOUT_RING);

  private Solo5() {}

  private record ByTarget(BootProtocol hvt) implements BootProtocol {
    @Override
    public String name() {
      return "solo5";
    }

    @Override
    public BootImage open(Image image) {
      HvtImage.Abi abi = HvtImage.abiOf(image);
      return switch (abi.target()) {
        case HvtAbi.TARGET_HVT -> hvt.open(image);
        case Solo5Virtio.TARGET -> Solo5Virtio.PROTOCOL.open(image);
        default ->
            throw new ImageException(
                "image %s is for Solo5's target %s, only hvt and virtio can be run"
                    .formatted(image.name(), abi.targetName()));
      };
    }
  }
}
