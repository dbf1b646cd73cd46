// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

/** The last exit, overwritten by the next one. */
public final class ExitState {
  /** What a debug exit was about. */
  public enum DebugCause {
    STEP,
    SOFTWARE_BREAKPOINT,
    HARDWARE_BREAKPOINT,
    WATCHPOINT
  }

  public ExitReason reason = ExitReason.NONE;
  public int port;
  public int size;
  public long value;
  public long gpa;

  /** Linear address, of a violation, breakpoint or watchpoint. */
  public long address;

  /** The forbidden access, one of the constants of {@code Access}. */
  public int access;

  public DebugCause debugCause = DebugCause.STEP;
}
