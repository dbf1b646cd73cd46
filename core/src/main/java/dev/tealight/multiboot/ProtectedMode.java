// SPDX-License-Identifier: ISC
package dev.tealight.multiboot;

import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.X86Segment;

/**
 * The state in which a boot loader enters a kernel: 32-bit protected mode, flat segments, no
 * paging, interrupts off.
 *
 * @see "Multiboot Specification, 3.2 (machine state)"
 */
final class ProtectedMode {
  private static final long LOADER_MAGIC = 0x2badb002L;
  private static final X86Segment CODE = new X86Segment(0x08, 0, -1, 0xc09b);
  private static final X86Segment DATA = new X86Segment(0x10, 0, -1, 0xc093);
  private static final X86Segment TASK = new X86Segment(0, 0, 0, 0x8b);
  private static final long CR0_PE_ET = 0x11;
  private static final long RFLAGS_RESERVED = 2;

  private ProtectedMode() {}

  static X86CpuState state(long entry, long information) {
    return new X86CpuState()
        .set(X86Register.RIP, entry)
        .set(X86Register.RAX, LOADER_MAGIC)
        .set(X86Register.RBX, information)
        .set(X86Register.RFLAGS, RFLAGS_RESERVED)
        .set(X86Register.CR0, CR0_PE_ET)
        .set(X86Segment.Name.CS, CODE)
        .set(X86Segment.Name.DS, DATA)
        .set(X86Segment.Name.ES, DATA)
        .set(X86Segment.Name.FS, DATA)
        .set(X86Segment.Name.GS, DATA)
        .set(X86Segment.Name.SS, DATA)
        .set(X86Segment.Name.TR, TASK)
        .set(X86Segment.Name.LDTR, X86Segment.UNUSABLE);
  }
}
