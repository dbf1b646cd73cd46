// SPDX-License-Identifier: ISC
package dev.tealight;

import java.security.SecureRandom;

/** Where random bytes for guests and devices come from. Any thread may use it. */
@FunctionalInterface
public interface Entropy {

  /**
   * Fills an array.
   *
   * @param bytes overwritten as a whole
   */
  void fill(byte[] bytes);

  /** {@return the host's strong random numbers; costs nothing until it is used} */
  static Entropy system() {
    return bytes -> new SecureRandom().nextBytes(bytes);
  }
}
