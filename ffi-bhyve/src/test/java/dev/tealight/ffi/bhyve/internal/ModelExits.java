// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import dev.tealight.X86Register;
import java.lang.foreign.MemorySegment;

/**
 * Fills {@code struct vm_exit} as the model's kernel does: what it does not set stays as it was.
 */
final class ModelExits {
  private final VmmFacts facts;
  private final ModelRegisters registers;

  ModelExits(VmmFacts facts, ModelRegisters registers) {
    this.facts = facts;
    this.registers = registers;
  }

  /** {@return 0, what a run gives that came out} */
  long fill(MemorySegment exit, String code, long at, int length) {
    facts.putInt(exit, "vm_exit.exitcode", facts.number(code));
    facts.putInt(exit, "vm_exit.inst_length", length);
    facts.putLong(exit, "vm_exit.rip", at);
    registers.rip = at;
    registers.nextRip = at + length;
    return 0;
  }

  long suspended(MemorySegment exit, int how) {
    long _ = fill(exit, "VM_EXITCODE_SUSPENDED", registers.nextRip, 0);
    facts.putInt(exit, "vm_exit.u.suspended.how", how);
    return 0;
  }

  long stepByTrapFlag(MemorySegment exit, boolean pushOfFlags) {
    facts.putInt(exit, "vm_exit.u.dbg.trace_trap", 1);
    facts.putInt(exit, "vm_exit.u.dbg.pushf_intercept", pushOfFlags ? 1 : 0);
    return fill(exit, "VM_EXITCODE_DB", registers.rip, 0);
  }

  long breakpoint(MemorySegment exit) {
    facts.putInt(exit, "vm_exit.u.bpt.inst_length", 1);
    return fill(exit, "VM_EXITCODE_BPT", registers.rip, 0);
  }

  long vmx(MemorySegment exit, int reason) {
    long _ = fill(exit, "VM_EXITCODE_VMX", registers.rip, 0);
    facts.putInt(exit, "vm_exit.u.vmx.status", 0);
    facts.putInt(exit, "vm_exit.u.vmx.exit_reason", reason);
    return 0;
  }

  long svm(MemorySegment exit, long code, long information, long address) {
    long _ = fill(exit, "VM_EXITCODE_SVM", registers.rip, 0);
    facts.putLong(exit, "vm_exit.u.svm.exitcode", code);
    facts.putLong(exit, "vm_exit.u.svm.exitinfo1", information);
    facts.putLong(exit, "vm_exit.u.svm.exitinfo2", address);
    return 0;
  }

  /** At level 0, in 64-bit mode or in protected mode without paging, as the model's guests are. */
  void paging(MemorySegment exit, String field) {
    MemorySegment paging = exit.asSlice(facts.value(field));
    boolean is64Bit = registers.is64Bit();
    facts.putLong(paging, "vm_guest_paging.cr3", registers.state.get(X86Register.CR3));
    facts.putInt(paging, "vm_guest_paging.cpl", 0);
    facts.putInt(
        paging,
        "vm_guest_paging.cpu_mode",
        facts.number(is64Bit ? "CPU_MODE_64BIT" : "CPU_MODE_PROTECTED"));
    facts.putInt(
        paging,
        "vm_guest_paging.paging_mode",
        facts.number(registers.cr3() == ModelMemory.FLAT ? "PAGING_MODE_FLAT" : "PAGING_MODE_64"));
  }
}
