// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.X86Segment;
import java.util.EnumSet;

/** The 64-bit mode in which a probe's instructions run, at privilege level 0. */
final class LongMode {
  private static final X86Segment CODE = new X86Segment(0x08, 0, -1, 0xa09b);
  private static final X86Segment DATA = new X86Segment(0x10, 0, -1, 0xc093);
  private static final X86Segment TASK = new X86Segment(0, 0, 0x67, 0x8b);

  private LongMode() {}

  /**
   * {@return a state with paging, SSE and no interrupt table: an exception ends in a shutdown}
   *
   * @param instructionPointer of the first instruction
   * @param pageTables the guest physical address of the highest table
   */
  static X86CpuState at(long instructionPointer, long pageTables) {
    X86CpuState state =
        new X86CpuState()
            .set(X86Register.RIP, instructionPointer)
            .set(X86Register.RFLAGS, 0x2)
            .set(X86Register.CR0, 0x80010031L) // PG, WP, NE, ET, PE
            .set(X86Register.CR3, pageTables)
            .set(X86Register.CR4, 0x620) // OSXMMEXCPT, OSFXSR, PAE
            .set(X86Register.EFER, 0x500) // LMA, LME
            .set(X86Segment.Name.CS, CODE)
            .set(X86Segment.Name.TR, TASK);
    for (X86Segment.Name name : EnumSet.range(X86Segment.Name.DS, X86Segment.Name.SS)) {
      state.set(name, DATA);
    }
    return state;
  }
}
