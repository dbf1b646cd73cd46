// SPDX-License-Identifier: ISC
package dev.tealight.spi;

import java.util.BitSet;

/** Telling which pages the guest wrote. No vCPU may be running. */
public non-sealed interface DirtyTracking extends VmAbility {

  /**
   * Starts or ends the tracking.
   *
   * @param enabled whether writes are recorded from now on
   */
  void track(boolean enabled);

  /** {@return the pages written since the last call, by page number; the record starts anew} */
  BitSet takeDirtyPages();
}
