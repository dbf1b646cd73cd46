// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.X86Segment;
import dev.tealight.ffi.posix.FreeBsdErrno;
import java.lang.foreign.MemorySegment;

/**
 * The exception or NMI that a vCPU of the model is to take with its next run. They are delivered in
 * 64-bit mode at level 0, on the stack in use, which is what guests of the model have.
 */
final class ModelEvents {
  private static final int NONE = -1;
  private static final int NMI = 2;
  private static final long TRAP_FLAG = 1 << 8;
  private static final long INTERRUPT_FLAG = 1 << 9;
  private static final int INTERRUPT_GATE = 14;

  private final VmmFacts facts;
  private int vector = NONE;
  private int errorCode;
  private boolean hasErrorCode;
  private boolean nmi;

  ModelEvents(VmmFacts facts) {
    this.facts = facts;
  }

  void reset() {
    vector = NONE;
    nmi = false;
  }

  /** {@return 0 or a negated errno} */
  long inject(MemorySegment argument) {
    int wanted = facts.getInt(argument, "vm_exception.vector");
    if (wanted < 0 || wanted > 31 || wanted == 8) {
      return -FreeBsdErrno.EINVAL;
    }
    if (vector != NONE) {
      return -FreeBsdErrno.EBUSY;
    }
    vector = wanted;
    errorCode = facts.getInt(argument, "vm_exception.error_code");
    hasErrorCode = facts.getInt(argument, "vm_exception.error_code_valid") != 0;
    return 0;
  }

  void injectNmi() {
    nmi = true;
  }

  /** {@return whether one waits} */
  boolean isPending() {
    return vector != NONE || nmi;
  }

  /** {@return whether the guest has a handler for it; without one the processor shuts down} */
  boolean deliver(ModelRegisters registers, ModelMemory memory) {
    int number = vector != NONE ? vector : NMI;
    boolean error = vector != NONE && hasErrorCode;
    if (vector != NONE) {
      vector = NONE;
    } else {
      nmi = false;
    }
    X86CpuState state = registers.state;
    long gate = state.get(X86Register.IDT_BASE) + 16L * number;
    if (16L * number + 15 > state.get(X86Register.IDT_LIMIT)) {
      return false;
    }
    long low = memory.load(gate, registers.cr3());
    if ((low >>> 47 & 1) == 0) {
      return false;
    }
    long rsp = state.get(X86Register.RSP) & -16;
    long[] frame = {
      state.segment(X86Segment.Name.SS).selector(),
      state.get(X86Register.RSP),
      state.get(X86Register.RFLAGS),
      state.segment(X86Segment.Name.CS).selector(),
      registers.nextRip,
      Integer.toUnsignedLong(errorCode)
    };
    for (int i = 0; i < (error ? 6 : 5); i++) {
      rsp -= Long.BYTES;
      memory.store(rsp, registers.cr3(), frame[i]);
    }
    long cleared = (low >>> 40 & 15) == INTERRUPT_GATE ? TRAP_FLAG | INTERRUPT_FLAG : TRAP_FLAG;
    state.set(X86Register.RFLAGS, state.get(X86Register.RFLAGS) & ~cleared);
    state.set(X86Register.RSP, rsp);
    registers.nextRip =
        (low & 0xffff) | (low >>> 32 & 0xffff_0000L) | memory.load(gate + 8, registers.cr3()) << 32;
    registers.changed = true;
    return true;
  }
}
