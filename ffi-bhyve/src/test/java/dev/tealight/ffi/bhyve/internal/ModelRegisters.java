// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import dev.tealight.Vcpu;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.X86Segment;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The registers of a vCPU of the model, by vmm's numbers. All are 0 at first. */
final class ModelRegisters {
  private static final long EFER_SVME = 1 << 12;
  static final long TRAP_FLAG = 1 << 8;
  private static final long RESUME_FLAG = 1 << 16;
  private static final long PAGING = 1L << 31; // in CR0
  private static final int LONG = 1 << 13;
  private static final int PRESENT = 1 << 7;
  private static final int UNUSABLE = 1 << 16;

  private static final X86Segment.Name[] SELECTORS = {
    X86Segment.Name.ES, X86Segment.Name.CS, X86Segment.Name.SS, X86Segment.Name.DS,
    X86Segment.Name.FS, X86Segment.Name.GS, X86Segment.Name.LDTR, X86Segment.Name.TR
  };

  private static final X86Register[] REGISTERS = {
    X86Register.RAX, X86Register.RBX, X86Register.RCX, X86Register.RDX, X86Register.RSI,
    X86Register.RDI, X86Register.RBP, X86Register.R8, X86Register.R9, X86Register.R10,
    X86Register.R11, X86Register.R12, X86Register.R13, X86Register.R14, X86Register.R15,
    X86Register.CR0, X86Register.CR3, X86Register.CR4, null, X86Register.RSP
  };

  private final VmmFacts facts;
  private final boolean amd;

  /** DR0 to DR3, DR6, DR7 and the interrupt shadow, which the model keeps but does not obey. */
  private final Map<Integer, Long> kept = new TreeMap<>();

  X86CpuState state = new X86CpuState();

  /** Whether the processor that executes the guest has yet to be told. */
  boolean changed = true;

  /** Where the last exit happened, which is what the register reads as. */
  long rip;

  /** Where the next run begins. */
  long nextRip;

  /** Whether the kernel has taken the trap flag, and what the guest's was. */
  private boolean traced;

  private long guestsTrapFlag;

  ModelRegisters(VmmFacts facts, boolean amd) {
    this.facts = facts;
    this.amd = amd;
  }

  void reset() {
    state = new X86CpuState();
    changed = true;
    rip = 0;
    nextRip = 0;
    kept.clear();
    traced = false;
  }

  /** Takes the trap flag to step by on AMD, or gives it back. What is taken twice is lost. */
  void trace(boolean on) {
    changed = true;
    if (on) {
      guestsTrapFlag = rflags() & TRAP_FLAG;
      state.set(X86Register.RFLAGS, rflags() | TRAP_FLAG);
    } else if (traced) {
      state.set(X86Register.RFLAGS, (rflags() & ~TRAP_FLAG) | guestsTrapFlag);
    }
    traced = on;
  }

  /** {@return whether the next instruction ends with an exit to the monitor by the trap flag} */
  boolean isTraced() {
    return traced && (rflags() & TRAP_FLAG) != 0;
  }

  /** The processor that executes the guest steps without the flag. */
  void enter(Vcpu processor) {
    long flags = rflags();
    boolean flagged = isTraced();
    if (changed) {
      state.set(X86Register.RIP, nextRip);
      state.set(X86Register.RFLAGS, flagged ? flags & ~TRAP_FLAG : flags);
      processor.writeState(state);
      state.set(X86Register.RFLAGS, flags);
      changed = false;
    }
  }

  /** What the processor noted of an exception that it could not deliver is not the guest's. */
  void endDelivery() {
    state.set(X86Register.RFLAGS, rflags() & ~RESUME_FLAG);
    changed = true;
  }

  /** Takes over what the processor has come to. */
  void leave(Vcpu processor) {
    boolean flagged = isTraced();
    state = (X86CpuState) processor.readState();
    if (flagged) {
      state.set(X86Register.RFLAGS, rflags() | TRAP_FLAG);
    }
    rip = state.get(X86Register.RIP);
    nextRip = rip;
  }

  /** {@return the value, or null if there is no such register} */
  @Nullable Long get(int number) {
    if (isPlain(number)) {
      return state.get(REGISTERS[number]);
    }
    if (isSegment(number)) {
      return (long) state.segment(SELECTORS[number - 22]).selector();
    }
    if (isKept(number)) {
      return kept.getOrDefault(number, 0L);
    }
    return switch (number) {
      case 20 -> rip;
      case 21 -> state.get(X86Register.RFLAGS);
      case 32 -> state.get(X86Register.EFER) | (amd ? EFER_SVME : 0);
      case 33 -> state.get(X86Register.CR2);
      case 45 -> hasBases() ? state.segment(X86Segment.Name.FS).base() : null;
      case 46 -> hasBases() ? state.segment(X86Segment.Name.GS).base() : null;
      case 47, 48 -> hasBases() ? 0L : null; // kernel GS base and TPR, which guests here leave 0
      default -> null;
    };
  }

  private static boolean isPlain(int number) {
    return number >= 0 && number < REGISTERS.length && REGISTERS[number] != null;
  }

  private static boolean isSegment(int number) {
    return number >= 22 && number <= 29;
  }

  private static boolean isKept(int number) {
    return number == 18 || (number >= 38 && number <= 43);
  }

  private boolean hasBases() {
    return facts.has("VM_REG_GUEST_FS_BASE");
  }

  /** {@return whether there is such a register to set} */
  boolean set(int number, long value) {
    changed = true;
    if (isPlain(number)) {
      state.set(REGISTERS[number], value);
      return true;
    }
    if (isSegment(number)) {
      X86Segment.Name name = SELECTORS[number - 22];
      X86Segment old = state.segment(name);
      state.set(
          name, new X86Segment((int) value & 0xffff, old.base(), old.limit(), old.attributes()));
      return true;
    }
    if (isKept(number)) {
      kept.put(number, value);
      return true;
    }
    switch (number) {
      case 20 -> {
        rip = value;
        nextRip = value;
      }
      case 21 -> state.set(X86Register.RFLAGS, value);
      case 32 -> state.set(X86Register.EFER, value & ~EFER_SVME);
      case 33 -> state.set(X86Register.CR2, value);
      case 44 -> {
        return amd; // which ignores it
      }
      default -> {
        return false;
      }
    }
    return true;
  }

  boolean getDescriptor(int number, MemorySegment argument) {
    long base;
    int limit;
    int access = 0;
    if (number == 30) {
      base = state.get(X86Register.IDT_BASE);
      limit = (int) state.get(X86Register.IDT_LIMIT);
    } else if (number == 31) {
      base = state.get(X86Register.GDT_BASE);
      limit = (int) state.get(X86Register.GDT_LIMIT);
    } else if (isSegment(number)) {
      X86Segment segment = state.segment(SELECTORS[number - 22]);
      base = segment.base();
      limit = segment.limit();
      access = amd ? fromVmcb(SELECTORS[number - 22], segment.attributes()) : segment.attributes();
    } else {
      return false;
    }
    MemorySegment descriptor = argument.asSlice(facts.value("vm_seg_desc.desc"));
    facts.putLong(descriptor, "seg_desc.base", base);
    facts.putInt(descriptor, "seg_desc.limit", limit);
    facts.putInt(descriptor, "seg_desc.access", access);
    return true;
  }

  boolean setDescriptor(int number, MemorySegment argument) {
    changed = true;
    MemorySegment descriptor = argument.asSlice(facts.value("vm_seg_desc.desc"));
    long base = facts.getLong(descriptor, "seg_desc.base");
    int limit = facts.getInt(descriptor, "seg_desc.limit");
    int access = facts.getInt(descriptor, "seg_desc.access");
    if (number == 30) {
      state.set(X86Register.IDT_BASE, base).set(X86Register.IDT_LIMIT, limit);
    } else if (number == 31) {
      state.set(X86Register.GDT_BASE, base).set(X86Register.GDT_LIMIT, limit);
    } else if (isSegment(number)) {
      X86Segment.Name name = SELECTORS[number - 22];
      state.set(name, new X86Segment(state.segment(name).selector(), base, limit, access));
    } else {
      return false;
    }
    return true;
  }

  /** AMD says of a segment that it is present where Intel says that it is unusable. */
  private static int fromVmcb(X86Segment.Name name, int access) {
    int present = (access & UNUSABLE) != 0 ? access & ~(PRESENT | UNUSABLE) : access;
    boolean always = name == X86Segment.Name.CS || name == X86Segment.Name.TR;
    return always || (present & PRESENT) != 0 ? present : present | UNUSABLE;
  }

  /** {@return where the page tables begin, or that there are none} */
  long cr3() {
    boolean paging = (state.get(X86Register.CR0) & PAGING) != 0;
    return paging ? state.get(X86Register.CR3) : ModelMemory.FLAT;
  }

  /** {@return whether the guest is in 64-bit mode, else it is in protected mode} */
  boolean is64Bit() {
    return (state.segment(X86Segment.Name.CS).attributes() & LONG) != 0;
  }

  long rflags() {
    return state.get(X86Register.RFLAGS);
  }
}
