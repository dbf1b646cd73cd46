// SPDX-License-Identifier: ISC
package dev.tealight.spi;

import dev.tealight.Image;

/** An image format with the way to start such a guest. Stateless; any thread. */
public interface BootProtocol {

  /** {@return its name, for instance {@code solo5-hvt}} */
  String name();

  /**
   * Reads an image and checks all of it that can be checked without a VM.
   *
   * @param image what to read; stays the caller's
   * @return what was found, independent of {@code image} being open
   * @throws dev.tealight.ImageException if this is no image of this format or a damaged one; says
   *     offset and field
   */
  BootImage open(Image image);
}
