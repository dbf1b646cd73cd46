// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import dev.tealight.Image;
import dev.tealight.ImageException;
import dev.tealight.spi.BootImage;
import dev.tealight.spi.BootProtocol;

/** Reads hvt images. */
final class HvtProtocol implements BootProtocol {

  @Override
  public String name() {
    return "solo5-hvt";
  }

  @Override
  public BootImage open(Image image) {
    throw new ImageException("image %s cannot be read yet".formatted(image.name()));
  }
}
