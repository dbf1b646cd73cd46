// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.GuestAccessException;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.X86Segment;
import org.jspecify.annotations.Nullable;

/**
 * Carries out the privileged instructions that guests start with, on the registers that a guest at
 * privilege level 3 has and those that it believes to have.
 *
 * @see "Intel SDM volume 2 (instruction set reference)"
 */
final class Ring3Instructions {

  /** What became of an instruction. */
  enum Outcome {
    /** The registers are as it leaves them. */
    DONE,
    /** It ends in the exception that it stopped with; no register was changed. */
    FAULTED,
    /** Nothing here can do that. */
    REFUSED
  }

  /** What FS and GS hold at start. */
  static final X86Segment FLAT = flat(0);

  private static final int MSR_EFER = 0xc0000080;
  private static final int MSR_FS_BASE = 0xc0000100;
  private static final int MSR_GS_BASE = 0xc0000101;

  /** Those of the exceptions' and the trap flag. */
  private static final long FLAGS = 0x200dd7;

  private final X86CpuState state;
  private final Ring3State believed;
  private final LinearMemory memory;

  /**
   * Prepares for one instruction.
   *
   * @param state the registers, changed as it does
   * @param believed the privileged ones, changed likewise
   */
  Ring3Instructions(X86CpuState state, Ring3State believed, LinearMemory memory) {
    this.state = state;
    this.believed = believed;
    this.memory = memory;
  }

  Outcome execute(PrivilegedInstruction instruction) {
    long next = state.get(X86Register.RIP) + instruction.length();
    try {
      return switch (instruction.kind()) {
        case CLI, HLT -> goTo(next);
        case LGDT -> {
          long base = memory.readLong(instruction.operand() + 2);
          believed.gdtLimit = memory.readShort(instruction.operand());
          believed.gdtBase = base;
          yield goTo(next);
        }
        case LIDT -> {
          long base = memory.readLong(instruction.operand() + 2);
          believed.idtLimit = memory.readShort(instruction.operand());
          believed.idtBase = base;
          yield goTo(next);
        }
        case LTR -> loadTaskRegister(instruction) ? goTo(next) : Outcome.FAULTED;
        case MOV_TO_SEGMENT -> loadSegment(instruction) ? goTo(next) : Outcome.FAULTED;
        case MOV_FROM_CONTROL -> readControl(instruction) ? goTo(next) : Outcome.FAULTED;
        case WRMSR -> writeMsr() ? goTo(next) : Outcome.FAULTED;
        case RDMSR -> readMsr() ? goTo(next) : Outcome.FAULTED;
        case RETFQ -> farReturn();
        case IRETQ -> interruptReturn();
        case CLTS,
            INVLPG,
            LLDT,
            LMSW,
            MOV_DEBUG,
            MOV_TO_CONTROL,
            STI,
            SWAPGS,
            SYSRET,
            WBINVD,
            XSETBV ->
            Outcome.REFUSED;
      };
    } catch (GuestAccessException _) {
      return Outcome.FAULTED;
    }
  }

  private static X86Segment flat(long base) {
    return new X86Segment(0, base, -1, 0xc0f3);
  }

  private Outcome goTo(long next) {
    if (!PageTables.isCanonical(next)) {
      return Outcome.FAULTED;
    }
    state.set(X86Register.RIP, next);
    return Outcome.DONE;
  }

  private boolean loadTaskRegister(PrivilegedInstruction instruction) {
    int selector = selector(instruction) & ~7;
    if (selector == 0 || selector + 15 > believed.gdtLimit) {
      return false;
    }
    long high = memory.readLong(believed.gdtBase + selector + Long.BYTES);
    believed.taskState = descriptorBase(selector) | (high << 32);
    return true;
  }

  private long descriptorBase(int selector) {
    if ((selector & ~7) == 0) {
      return 0;
    }
    long descriptor = memory.readLong(believed.gdtBase + (selector & ~7));
    return (descriptor >>> 16 & 0xffffff) | (descriptor >>> 32 & 0xff000000L);
  }

  private boolean loadSegment(PrivilegedInstruction instruction) {
    int selector = selector(instruction);
    if ((selector & ~7) != 0 && (selector | 7) > believed.gdtLimit) {
      return false;
    }
    switch (instruction.field()) {
      case 0, 3 -> {} // ES and DS mean nothing in 64-bit mode
      case 2 -> believed.stackSelector = selector;
      case 4 -> state.set(X86Segment.Name.FS, flat(descriptorBase(selector)));
      case 5 -> state.set(X86Segment.Name.GS, flat(descriptorBase(selector)));
      default -> {
        return false;
      }
    }
    return true;
  }

  private int selector(PrivilegedInstruction instruction) {
    return instruction.isRegister()
        ? (int) state.get(PrivilegedInstruction.register(instruction.operand())) & 0xffff
        : memory.readShort(instruction.operand());
  }

  private boolean readControl(PrivilegedInstruction instruction) {
    X86Register control =
        switch (instruction.field()) {
          case 0 -> X86Register.CR0;
          case 2 -> X86Register.CR2;
          case 3 -> X86Register.CR3;
          case 4 -> X86Register.CR4;
          case 8 -> X86Register.CR8;
          default -> null;
        };
    if (control == null) {
      return false;
    }
    // Pages that were opened since the guest's last page fault have changed CR2.
    long value = control == X86Register.CR2 ? believed.faultAddress : state.get(control);
    state.set(PrivilegedInstruction.register(instruction.operand()), value);
    return true;
  }

  private boolean writeMsr() {
    long value = (state.get(X86Register.RDX) << 32) | (state.get(X86Register.RAX) & 0xffffffffL);
    X86Segment.Name name = segmentOfMsr();
    if (name == null || !PageTables.isCanonical(value)) {
      return false;
    }
    X86Segment old = state.segment(name);
    state.set(name, new X86Segment(old.selector(), value, old.limit(), old.attributes()));
    return true;
  }

  private boolean readMsr() {
    X86Segment.Name name = segmentOfMsr();
    if (name == null && (int) state.get(X86Register.RCX) != MSR_EFER) {
      return false;
    }
    long value = name == null ? state.get(X86Register.EFER) : state.segment(name).base();
    state.set(X86Register.RAX, value & 0xffffffffL).set(X86Register.RDX, value >>> 32);
    return true;
  }

  private X86Segment.@Nullable Name segmentOfMsr() {
    return switch ((int) state.get(X86Register.RCX)) {
      case MSR_FS_BASE -> X86Segment.Name.FS;
      case MSR_GS_BASE -> X86Segment.Name.GS;
      default -> null;
    };
  }

  /** All that runs is level 0 to the guest, and is served as such. */
  private static boolean isPrivileged(int codeSelector) {
    return (codeSelector & 3) == 0;
  }

  private Outcome farReturn() {
    long stack = state.get(X86Register.RSP);
    int code = memory.readShort(stack + 8);
    if (!isPrivileged(code)) {
      return Outcome.REFUSED;
    }
    Outcome outcome = goTo(memory.readLong(stack));
    if (outcome == Outcome.DONE) {
      believed.codeSelector = code;
      state.set(X86Register.RSP, stack + 16);
    }
    return outcome;
  }

  private Outcome interruptReturn() {
    long frame = state.get(X86Register.RSP);
    int code = memory.readShort(frame + 8);
    long flags = memory.readLong(frame + 16);
    long stack = memory.readLong(frame + 24);
    int stackSelector = memory.readShort(frame + 32);
    if (!isPrivileged(code)) {
      return Outcome.REFUSED;
    }
    Outcome outcome = goTo(memory.readLong(frame));
    if (outcome == Outcome.DONE) {
      believed.codeSelector = code;
      believed.stackSelector = stackSelector;
      state.set(X86Register.RFLAGS, (flags & FLAGS) | 2).set(X86Register.RSP, stack);
    }
    return outcome;
  }
}
