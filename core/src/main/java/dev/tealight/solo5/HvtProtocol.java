// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import dev.tealight.Image;
import dev.tealight.spi.BootImage;
import dev.tealight.spi.BootProtocol;

/** The images and the start of hvt guests. */
final class HvtProtocol implements BootProtocol {
  private final boolean offersRing;

  HvtProtocol(boolean offersRing) {
    this.offersRing = offersRing;
  }

  @Override
  public String name() {
    return "solo5-hvt";
  }

  @Override
  public BootImage open(Image image) {
    return HvtImage.read(image, offersRing);
  }
}
