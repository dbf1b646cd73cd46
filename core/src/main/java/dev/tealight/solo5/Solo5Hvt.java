// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import dev.tealight.Image;
import dev.tealight.spi.BootProtocol;

/** Solo5's hvt guests, ABI version 2. */
public final class Solo5Hvt {

  /** Reads and boots hvt images, and offers the shared ring to those with network devices. */
  public static final BootProtocol PROTOCOL = new HvtProtocol(true);

  /** As {@link #PROTOCOL}, but without the shared ring: each frame is a hypercall. */
  public static final BootProtocol PROTOCOL_WITHOUT_RING = new HvtProtocol(false);

  private Solo5Hvt() {}

  /**
   * Reads an image without booting it.
   *
   * @param image what to read; stays the caller's
   * @return what it holds, all of it checked
   * @throws dev.tealight.ImageException if it is no hvt image of ABI version 2, or damaged; says
   *     offset and field
   */
  public static HvtImage open(Image image) {
    return HvtImage.read(image, true);
  }
}
