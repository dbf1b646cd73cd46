// SPDX-License-Identifier: ISC
package dev.tealight.device.pc.internal;

import dev.tealight.spi.HostedChips;

/** The lines that lead to the interrupt controllers, whoever has these. */
interface InterruptLines {

  /** Makes a line level-triggered, as those of PCI are. */
  void levelTrigger(int line);

  /** Changes the level of a line. */
  void setLevel(int line, boolean asserted);

  /** {@return those to the hypervisor's controllers} */
  static InterruptLines of(HostedChips chips) {
    return new InterruptLines() {
      @Override
      public void levelTrigger(int line) {
        chips.levelTrigger(line);
      }

      @Override
      public void setLevel(int line, boolean asserted) {
        chips.setLevel(line, asserted);
      }
    };
  }
}
