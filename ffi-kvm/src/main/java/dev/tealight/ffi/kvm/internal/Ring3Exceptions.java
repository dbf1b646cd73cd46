// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.GuestAccessException;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;

/**
 * Hands an exception to the handler that a guest at privilege level 3 has set up, as the processor
 * does at level 0.
 *
 * @see "Intel SDM volume 3, 6.14 (exception and interrupt handling in 64-bit mode)"
 */
final class Ring3Exceptions {
  static final int GENERAL_PROTECTION = 13;
  static final int PAGE_FAULT = 14;

  /** Bits of a page fault's error code. */
  static final int BY_PRESENT_PAGE = 1;

  static final int BY_USER = 4;

  /** Those that push an error code: #DF, #TS, #NP, #SS, #GP, #PF, #AC, #CP. */
  private static final int HAS_ERROR_CODE =
      1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17 | 1 << 21;

  /** Carry to overflow without the trap and interrupt flags, ID, and the bit that is always set. */
  private static final long FLAGS = 0x200cd7;

  private static final int GATE_BYTE_SIZE = 16;
  private static final int GATE_PRESENT_BIT = 47;
  private static final int TASK_STATE_INTERRUPT_STACKS = 36;

  private Ring3Exceptions() {}

  /**
   * Pushes a frame and goes to the handler.
   *
   * @param vector the exception's number, 0 to 255
   * @param state the registers, changed only if there are a handler and a stack for it
   * @param believed the privileged ones
   * @return whether there are
   */
  static boolean deliver(
      int vector, int errorCode, X86CpuState state, Ring3State believed, LinearMemory memory) {
    int gate = GATE_BYTE_SIZE * vector;
    if (gate + GATE_BYTE_SIZE - 1 > believed.idtLimit) {
      return false;
    }
    try {
      long low = memory.readLong(believed.idtBase + gate);
      long high = memory.readLong(believed.idtBase + gate + Long.BYTES);
      long handler = (low & 0xffff) | (low >>> 32 & 0xffff0000L) | (high << 32);
      if ((low >>> GATE_PRESENT_BIT & 1) == 0 || !PageTables.isCanonical(handler)) {
        return false;
      }
      int interruptStack = (int) (low >>> 32) & 7;
      long stack =
          interruptStack == 0
              ? state.get(X86Register.RSP)
              : memory.readLong(
                  believed.taskState + TASK_STATE_INTERRUPT_STACKS + 8L * (interruptStack - 1));
      stack &= ~0xf;
      memory.writeLong(stack - 8, believed.stackSelector);
      memory.writeLong(stack - 16, state.get(X86Register.RSP));
      memory.writeLong(stack - 24, state.get(X86Register.RFLAGS));
      memory.writeLong(stack - 32, believed.codeSelector);
      memory.writeLong(stack - 40, state.get(X86Register.RIP));
      stack -= 40;
      if (vector < Integer.SIZE && (HAS_ERROR_CODE >>> vector & 1) != 0) {
        stack -= 8;
        memory.writeLong(stack, vector == PAGE_FAULT ? errorCode & ~BY_USER : errorCode);
      }
      state
          .set(X86Register.RSP, stack)
          .set(X86Register.RFLAGS, state.get(X86Register.RFLAGS) & FLAGS)
          .set(X86Register.RIP, handler);
      if (vector == PAGE_FAULT) {
        believed.faultAddress = state.get(X86Register.CR2);
      }
      believed.codeSelector = (int) (low >>> 16) & 0xffff;
      return true;
    } catch (GuestAccessException _) {
      return false;
    }
  }
}
