// SPDX-License-Identifier: ISC
package dev.tealight;

/** The 64-bit registers of {@link X86CpuState}. Narrower ones are zero-extended. */
public enum X86Register {
  /** Accumulator. */
  RAX,
  /** Base. */
  RBX,
  /** Counter. */
  RCX,
  /** Data. */
  RDX,
  /** Source index. */
  RSI,
  /** Destination index; first argument in the System V calling convention. */
  RDI,
  /** Stack pointer. */
  RSP,
  /** Frame pointer. */
  RBP,
  /** Extended register 8. */
  R8,
  /** Extended register 9. */
  R9,
  /** Extended register 10. */
  R10,
  /** Extended register 11. */
  R11,
  /** Extended register 12. */
  R12,
  /** Extended register 13. */
  R13,
  /** Extended register 14. */
  R14,
  /** Extended register 15. */
  R15,
  /** Instruction pointer. */
  RIP,
  /** Flags. */
  RFLAGS,
  /** Control register 0. */
  CR0,
  /** Control register 2: the address of the last page fault. */
  CR2,
  /** Control register 3: the root of the page tables. */
  CR3,
  /** Control register 4. */
  CR4,
  /** Control register 8: the task priority. */
  CR8,
  /** Extended feature enable register (MSR 0xc0000080). */
  EFER,
  /** Base of the global descriptor table. */
  GDT_BASE,
  /** Limit of the global descriptor table, 16 bits. */
  GDT_LIMIT,
  /** Base of the interrupt descriptor table. */
  IDT_BASE,
  /** Limit of the interrupt descriptor table, 16 bits. */
  IDT_LIMIT
}
