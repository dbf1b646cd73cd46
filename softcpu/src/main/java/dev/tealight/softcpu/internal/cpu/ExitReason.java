// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

/** Why the processor stopped running guest code. */
public enum ExitReason {
  NONE,
  /** OUT or OUTS: port, size, value. */
  PORT_WRITE,
  /** IN or INS: port, size; the value is supplied before running on. */
  PORT_READ,
  /** Access outside RAM: gpa, size; the value is supplied before running on. */
  MEMORY_READ,
  /** Write outside RAM: gpa, size, value. */
  MEMORY_WRITE,
  /** The machine's permissions forbid an access inside RAM: gpa, address, access. */
  VIOLATION,
  HALT,
  /** Triple fault. */
  SHUTDOWN,
  /** Somebody asked the processor to stop. */
  KICKED,
  /** Step, breakpoint or watchpoint of a debugger. */
  DEBUG,
  /** Interrupts can be taken now, and somebody asked to be told. */
  INTERRUPT_WINDOW
}
