// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import dev.tealight.spi.BootProtocol;

/** Solo5's hvt guests, ABI version 2. */
public final class Solo5Hvt {

  /** Reads and boots hvt images. */
  public static final BootProtocol PROTOCOL = new HvtProtocol();

  private Solo5Hvt() {}
}
