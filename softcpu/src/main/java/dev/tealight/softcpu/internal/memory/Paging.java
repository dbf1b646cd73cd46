// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.memory;

/** The translation mode: what the page walker needs of the control registers. */
public final class Paging {
  /** How linear addresses become physical ones. */
  public enum Mode {
    OFF,
    /** Two levels, 4-byte entries, with 4 MiB pages if enabled. */
    LEGACY_32,
    /** Three levels, 8-byte entries, 32-bit linear addresses. */
    PAE,
    /** Four levels, 8-byte entries, 48-bit linear addresses. */
    LONG
  }

  public Mode mode = Mode.OFF;
  public long root;
  public boolean writeProtect;
  public boolean noExecute;
  public boolean largePages32;

  /** True while the processor runs 64-bit code: addresses must be canonical, not truncated. */
  public boolean wideAddresses;
}
