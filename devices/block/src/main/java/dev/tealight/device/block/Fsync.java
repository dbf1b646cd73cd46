// SPDX-License-Identifier: ISC
package dev.tealight.device.block;

/** When written blocks are forced out of the host's caches to the storage behind them. */
public enum Fsync {
  /**
   * Left to the host: what was written survives the end of this process, not a crash of the host.
   */
  NEVER,
  /** When the device is closed, which is when its monitor is. */
  ON_CLOSE,
  /** Before the guest learns that a write succeeded. */
  EACH_WRITE
}
