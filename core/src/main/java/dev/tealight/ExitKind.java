// SPDX-License-Identifier: ISC
package dev.tealight;

/**
 * Why a vCPU left guest mode. Backends reduce their host's reasons to these; {@link ExitFrame}
 * holds the particulars.
 *
 * <p>Which {@link ExitFrame} accessors are meaningful for which kind is stated at each constant.
 */
public enum ExitKind {
  /** The guest wrote to the I/O space: {@code address} (the port), {@code width}, {@code value}. */
  IO_WRITE,
  /**
   * The guest reads from the I/O space: {@code address}, {@code width}; answered by {@link
   * ExitFrame#complete}.
   */
  IO_READ,
  /** The guest wrote outside its memory: {@code address} (gpa), {@code width}, {@code value}. */
  MMIO_WRITE,
  /**
   * The guest reads outside its memory: {@code address} (gpa), {@code width}; answered by {@link
   * ExitFrame#complete}.
   */
  MMIO_READ,
  /**
   * The guest touched its own memory in a way the region's {@link Protection} forbids: {@code
   * address} (gpa, or {@link ExitFrame#UNKNOWN_ADDRESS} where the host does not tell).
   */
  PROTECTION_FAULT,
  /** The guest waits for an interrupt. */
  HALT,
  /** {@link Vcpu#kick} was called, or the host asked for a pause; nothing is left half-done. */
  INTERRUPTED,
  /** An interrupt can be injected now, as was asked for through an interrupt ability. */
  INTERRUPT_WINDOW,
  /**
   * A step, breakpoint or watchpoint: {@code address} (of the instruction), {@code detail} (a
   * {@link DebugCause#ordinal}).
   */
  DEBUG,
  /** The processor gave up, on x86 by a triple fault. */
  SHUTDOWN,
  /**
   * The guest raised an exception and has no handler for it, where the host tells more than {@link
   * #SHUTDOWN}: {@code address} (the virtual address that could not be accessed, or {@link
   * ExitFrame#UNKNOWN_ADDRESS}), {@code detail} (the processor's number of the exception).
   */
  UNHANDLED_EXCEPTION,
  /** The hardware refused to enter the guest: {@code detail} is the host's reason. */
  ENTRY_FAILED,
  /**
   * The host could not carry out the guest's instruction: {@code detail} is the host's sub-code.
   */
  INTERNAL_ERROR,
  /** A reason this backend does not know: {@code detail} is the host's number. */
  UNKNOWN;

  /** What a {@link #DEBUG} exit reports. */
  public enum DebugCause {
    /** One instruction was executed. */
    STEP,
    /** A breakpoint instruction was met; the instruction pointer is on it. */
    SOFTWARE_BREAKPOINT,
    /** A hardware breakpoint or watchpoint was hit. */
    HARDWARE_BREAKPOINT
  }
}
