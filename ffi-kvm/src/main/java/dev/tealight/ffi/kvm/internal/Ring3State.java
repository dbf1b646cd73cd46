// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.X86Segment;

/**
 * What a guest at privilege level 3 believes its privileged registers to hold. The processor's own
 * hold what runs it there. The guest's thread alone uses it.
 */
final class Ring3State {
  long gdtBase;
  int gdtLimit;
  long idtBase;
  int idtLimit;

  /** Linear address of the task state segment, where the stacks for exceptions are listed. */
  long taskState;

  /** CR2: the address of the last page fault that the guest was told of. */
  long faultAddress;

  int codeSelector;
  int stackSelector;

  /**
   * Takes them over.
   *
   * @param wanted the guest's state at level 0
   */
  Ring3State(X86CpuState wanted) {
    gdtBase = wanted.get(X86Register.GDT_BASE);
    gdtLimit = (int) wanted.get(X86Register.GDT_LIMIT);
    idtBase = wanted.get(X86Register.IDT_BASE);
    idtLimit = (int) wanted.get(X86Register.IDT_LIMIT);
    faultAddress = wanted.get(X86Register.CR2);
    codeSelector = wanted.segment(X86Segment.Name.CS).selector();
    stackSelector = wanted.segment(X86Segment.Name.SS).selector();
  }
}
