// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import static dev.tealight.softcpu.internal.cpu.Cpu.zeroExtend;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Descriptor;
import dev.tealight.softcpu.internal.cpu.DescriptorTables;
import dev.tealight.softcpu.internal.cpu.Flags;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.Msrs;
import dev.tealight.softcpu.internal.cpu.Segments;
import dev.tealight.softcpu.internal.cpu.SystemRegisters;
import dev.tealight.softcpu.internal.fault.Vector;

/**
 * Transfers that load CS: far jumps, calls and returns, IRET, SYSCALL and SYSENTER.
 *
 * <p>Call gates and task switches are not supported: a selector of one raises #GP.
 */
public final class FarTransfers {
  private FarTransfers() {}

  public static void jmpFar(Cpu cpu, Insn insn) {
    int size = insn.size();
    if (insn.dst() == Insn.MEMORY) {
      long address = cpu.address(insn, size + 2, false);
      long offset = cpu.memory.load(address, size);
      jump(cpu, (int) cpu.memory.load(address + size, 2) & 0xFFFF, offset, size);
    } else {
      jump(cpu, insn.third(), insn.immediate(), size);
    }
  }

  public static void callFar(Cpu cpu, Insn insn) {
    int size = insn.size();
    int selector = insn.third();
    long offset = insn.immediate();
    if (insn.dst() == Insn.MEMORY) {
      long address = cpu.address(insn, size + 2, false);
      offset = cpu.memory.load(address, size);
      selector = (int) cpu.memory.load(address + size, 2) & 0xFFFF;
    }
    long target = zeroExtend(offset, size);
    long code = readTarget(cpu, selector, target);
    cpu.poke(size, size, cpu.segments.selector(Segments.CS));
    cpu.poke(2 * size, size, cpu.rip);
    // Nothing faults from here on.
    cpu.stackPointer(cpu.gpr[Cpu.RSP] - 2L * size); // of the old code's width
    enter(cpu, selector, code, cpu.privilege, target);
  }

  private static void jump(Cpu cpu, int selector, long offset, int size) {
    long target = zeroExtend(offset, size);
    enter(cpu, selector, readTarget(cpu, selector, target), cpu.privilege, target);
  }

  /**
   * Returns the code segment that a jump or call leads to, checked and marked accessed; 0 in real
   * mode.
   */
  private static long readTarget(Cpu cpu, int selector, long target) {
    if (!cpu.system.protectedMode()) {
      requireInRealCode(cpu, target);
      return 0;
    }
    long code = readCode(cpu, selector);
    boolean allowed =
        Descriptor.isConforming(code)
            ? Descriptor.privilege(code) <= cpu.privilege
            : (selector & 3) <= cpu.privilege && Descriptor.privilege(code) == cpu.privilege;
    if (!allowed) {
      throw cpu.fault.protection(DescriptorTables.errorCode(selector));
    }
    requirePresent(cpu, selector, code);
    checkTarget(cpu, code, target);
    DescriptorTables.markAccessed(cpu, selector, code);
    return code;
  }

  private static void requireInRealCode(Cpu cpu, long target) {
    if (target > 0xFFFF) {
      throw cpu.fault.protection(0);
    }
  }

  /** Continues at {@code target} in what {@link #readTarget} has returned. Does not fault. */
  private static void enter(Cpu cpu, int selector, long code, int level, long target) {
    if (cpu.system.protectedMode()) {
      DescriptorTables.setCode(cpu, selector, code, level);
    } else {
      cpu.realCode(selector);
    }
    cpu.rip = target;
  }

  private static long readCode(Cpu cpu, int selector) {
    if ((selector & 0xFFFC) == 0) {
      throw cpu.fault.protection(0);
    }
    long code = DescriptorTables.read(cpu, selector);
    boolean bothWidths =
        cpu.system.longModeActive() && Descriptor.isLong(code) && Descriptor.isBig(code);
    if (!Descriptor.isCode(code) || bothWidths) {
      throw cpu.fault.protection(DescriptorTables.errorCode(selector));
    }
    return code;
  }

  private static void requirePresent(Cpu cpu, int selector, long code) {
    if (!Descriptor.isPresent(code)) {
      throw DescriptorTables.notPresent(cpu, selector);
    }
  }

  private static void checkTarget(Cpu cpu, long code, long target) {
    boolean wide = cpu.system.longModeActive() && Descriptor.isLong(code);
    boolean reachable = wide ? target << 16 >> 16 == target : target <= Descriptor.limit(code);
    if (!reachable) {
      throw cpu.fault.protection(0);
    }
  }

  public static void retFar(Cpu cpu, Insn insn) {
    int size = insn.size();
    long offset = cpu.peek(0, size);
    int selector = (int) cpu.peek(size, size) & 0xFFFF;
    int extra = (int) insn.immediate() & 0xFFFF;
    if (!cpu.system.protectedMode()) {
      returnReal(cpu, selector, zeroExtend(offset, size), 2 * size + extra);
      return;
    }
    returnTo(cpu, selector, offset, size, 2 * size + extra, extra);
  }

  private static void returnReal(Cpu cpu, int selector, long target, int popped) {
    requireInRealCode(cpu, target);
    cpu.stackPointer(cpu.gpr[Cpu.RSP] + popped);
    enter(cpu, selector, 0, 0, target);
  }

  /** Returns the code segment to return to, after the checks of privilege and target. */
  private static long readReturnCode(Cpu cpu, int selector, long target) {
    long code = readCode(cpu, selector);
    int level = selector & 3;
    boolean allowed =
        level >= cpu.privilege
            && (Descriptor.isConforming(code)
                ? Descriptor.privilege(code) <= level
                : Descriptor.privilege(code) == level);
    if (!allowed) {
      throw cpu.fault.protection(DescriptorTables.errorCode(selector));
    }
    requirePresent(cpu, selector, code);
    checkTarget(cpu, code, target);
    return code;
  }

  /**
   * Returns to {@code selector}, to the same or an outer level.
   *
   * @param popped bytes up to where an outer level's stack pointer lies
   * @param extra bytes to drop from an outer level's stack too
   */
  private static void returnTo(
      Cpu cpu, int selector, long offset, int size, int popped, int extra) {
    int level = selector & 3;
    long target = zeroExtend(offset, size);
    long code = readReturnCode(cpu, selector, target);
    if (level == cpu.privilege) {
      DescriptorTables.markAccessed(cpu, selector, code);
      // Nothing faults from here on.
      cpu.stackPointer(cpu.gpr[Cpu.RSP] + popped); // of the old code's width
      enter(cpu, selector, code, level, target);
    } else {
      long stack = cpu.peek(popped, size);
      int stackSelector = (int) cpu.peek(popped + size, size) & 0xFFFF;
      withStack(cpu, selector, code, target, stackSelector, zeroExtend(stack + extra, size));
    }
  }

  /** Returns to another stack too, as the level of {@code selector} demands. */
  private static void withStack(
      Cpu cpu, int selector, long code, long target, int stackSelector, long pointer) {
    int level = selector & 3;
    boolean toWide = cpu.system.longModeActive() && Descriptor.isLong(code);
    boolean nullStack = (stackSelector & 0xFFFC) == 0;
    long stack = 0;
    if (!nullStack) {
      stack = DescriptorTables.readStack(cpu, stackSelector, level, Vector.PROTECTION, 0);
      DescriptorTables.markAccessed(cpu, stackSelector, stack);
    } else if (!toWide || level == 3 || (stackSelector & 3) != level) {
      throw cpu.fault.protection(0);
    }
    DescriptorTables.markAccessed(cpu, selector, code);
    // Nothing faults from here on.
    if (nullStack) {
      cpu.segments.setNull(Segments.SS, stackSelector, 0);
    } else {
      cpu.segments.setFromDescriptor(Segments.SS, stackSelector, stack, 0);
    }
    enter(cpu, selector, code, level, target);
    boolean shortStack = !toWide && !Descriptor.isBig(stack);
    cpu.gpr[Cpu.RSP] = shortStack ? (cpu.gpr[Cpu.RSP] & ~0xFFFFL) | (pointer & 0xFFFF) : pointer;
    dropInnerSegments(cpu, level);
  }

  /** Data segments that the outer level may not use become null. */
  private static void dropInnerSegments(Cpu cpu, int level) {
    for (int segment : new int[] {Segments.ES, Segments.DS, Segments.FS, Segments.GS}) {
      int attributes = cpu.segments.attributes(segment);
      boolean conformingCode = (attributes & 0xC) == 0xC;
      boolean usable = (attributes & Segments.UNUSABLE) == 0;
      if (usable && !conformingCode && cpu.segments.privilege(segment) < level) {
        cpu.segments.setNull(segment, 0, 0);
      }
    }
  }

  public static void iret(Cpu cpu, Insn insn) {
    int size = insn.size();
    long offset = cpu.peek(0, size);
    int selector = (int) cpu.peek(size, size) & 0xFFFF;
    int newFlags = (int) cpu.peek(2 * size, size);
    int oldLevel = cpu.privilege;
    if (!cpu.system.protectedMode()) {
      returnReal(cpu, selector, zeroExtend(offset, size), 3 * size);
    } else {
      boolean taskOrVirtual8086 =
          cpu.flags.isSet(Flags.NT)
              || (size == 4 && (newFlags & Flags.VM) != 0 && !cpu.system.longModeActive());
      if (taskOrVirtual8086) {
        throw cpu.fault.protection(0);
      }
      if (cpu.codeBits == 64) {
        returnLong(cpu, selector, offset, size);
      } else {
        returnTo(cpu, selector, offset, size, 3 * size, 0);
      }
    }
    // Not RF: all it does is to hold off the guest's breakpoints, which do not fire.
    int changeable = Flags.ARITHMETIC | Flags.TF | Flags.DF | Flags.NT | Flags.AC | Flags.ID;
    if (oldLevel == 0) {
      changeable |= Flags.IOPL;
    }
    if (oldLevel <= cpu.flags.ioPrivilege()) {
      changeable |= Flags.IF;
    }
    cpu.flags.update(newFlags, size == 2 ? changeable & 0xFFFF : changeable);
    Privileged.flagsChanged(cpu);
  }

  /** IRETQ pops the stack pointer at every level. */
  private static void returnLong(Cpu cpu, int selector, long offset, int size) {
    long stack = cpu.peek(3 * size, size);
    int stackSelector = (int) cpu.peek(4 * size, size) & 0xFFFF;
    long target = zeroExtend(offset, size);
    long code = readReturnCode(cpu, selector, target);
    withStack(cpu, selector, code, target, stackSelector, zeroExtend(stack, size));
  }

  // SYSCALL, SYSRET, SYSENTER, SYSEXIT

  private static final int FLAT_CODE_64 = 0xA09B;
  private static final int FLAT_CODE_32 = 0xC09B;
  private static final int FLAT_DATA = 0xC093;
  private static final int LEVEL_3 = 3 << 5;

  private static void setFlat(Cpu cpu, int codeSelector, int code, int stackSelector, int level) {
    int rights = level == 3 ? LEVEL_3 : 0;
    cpu.segments.set(Segments.CS, codeSelector, 0, 0xFFFF_FFFFL, code | rights);
    cpu.segments.set(Segments.SS, stackSelector, 0, 0xFFFF_FFFFL, FLAT_DATA | rights);
    cpu.privilege = level;
    cpu.modeChanged();
  }

  public static void syscall(Cpu cpu, Insn insn) {
    if ((cpu.system.efer & SystemRegisters.EFER_SCE) == 0 || cpu.codeBits != 64) {
      throw cpu.fault.undefined(); // from 32-bit code too, as on Intel
    }
    Msrs msrs = cpu.system.msrs;
    cpu.gpr[Cpu.RCX] = cpu.rip;
    cpu.gpr[11] = cpu.flags.value() & ~Flags.RF;
    cpu.flags.value(cpu.flags.value() & ~msrs.fmask & ~Flags.RF);
    int selector = (int) (msrs.star >>> 32) & 0xFFFC;
    setFlat(cpu, selector, FLAT_CODE_64, selector + 8, 0);
    cpu.rip = msrs.lstar;
    cpu.trapDue &= cpu.flags.isSet(Flags.TF);
    Privileged.flagsChanged(cpu);
  }

  public static void sysret(Cpu cpu, Insn insn) {
    if ((cpu.system.efer & SystemRegisters.EFER_SCE) == 0 || cpu.codeBits != 64) {
      throw cpu.fault.undefined();
    }
    cpu.requirePrivilege0();
    boolean wide = insn.size() == 8;
    long target = wide ? cpu.gpr[Cpu.RCX] : cpu.gpr[Cpu.RCX] & 0xFFFF_FFFFL;
    if (target << 16 >> 16 != target) {
      throw cpu.fault.protection(0);
    }
    int base = (int) (cpu.system.msrs.star >>> 48) & 0xFFFF;
    cpu.flags.value(cpu.gpr[11] & ~(Flags.RF | Flags.VM));
    int code = (base + (wide ? 16 : 0)) | 3;
    setFlat(cpu, code, wide ? FLAT_CODE_64 : FLAT_CODE_32, base + 8 | 3, 3);
    cpu.rip = target;
    Privileged.flagsChanged(cpu);
  }

  public static void sysenter(Cpu cpu, Insn insn) {
    Msrs msrs = cpu.system.msrs;
    int selector = (int) msrs.sysenterCs & 0xFFFC;
    if (!cpu.system.protectedMode() || selector == 0) {
      throw cpu.fault.protection(0);
    }
    boolean wide = cpu.system.longModeActive();
    cpu.flags.clear(Flags.IF | Flags.VM);
    setFlat(cpu, selector, wide ? FLAT_CODE_64 : FLAT_CODE_32, selector + 8, 0);
    cpu.gpr[Cpu.RSP] = wide ? msrs.sysenterEsp : msrs.sysenterEsp & 0xFFFF_FFFFL;
    cpu.rip = wide ? msrs.sysenterEip : msrs.sysenterEip & 0xFFFF_FFFFL;
  }

  public static void sysexit(Cpu cpu, Insn insn) {
    int selector = (int) cpu.system.msrs.sysenterCs & 0xFFFC;
    if (!cpu.system.protectedMode() || selector == 0) {
      throw cpu.fault.protection(0);
    }
    cpu.requirePrivilege0();
    boolean wide = insn.size() == 8;
    long target = wide ? cpu.gpr[Cpu.RDX] : cpu.gpr[Cpu.RDX] & 0xFFFF_FFFFL;
    if (target << 16 >> 16 != target) {
      throw cpu.fault.protection(0);
    }
    long stack = wide ? cpu.gpr[Cpu.RCX] : cpu.gpr[Cpu.RCX] & 0xFFFF_FFFFL;
    if (stack << 16 >> 16 != stack) {
      throw cpu.fault.protection(0);
    }
    int code = selector + (wide ? 32 : 16) | 3;
    setFlat(cpu, code, wide ? FLAT_CODE_64 : FLAT_CODE_32, code + 8, 3);
    cpu.gpr[Cpu.RSP] = stack;
    cpu.rip = target;
  }
}
