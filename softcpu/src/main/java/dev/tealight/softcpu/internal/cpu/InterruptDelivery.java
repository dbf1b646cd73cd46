// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

import dev.tealight.softcpu.internal.fault.GuestFault;
import dev.tealight.softcpu.internal.fault.Vector;

/**
 * Delivers exceptions and interrupts through the IDT (Intel SDM volume 3, chapter 6).
 *
 * <p>A fault during the delivery of another becomes a double fault where the manual says so, and a
 * fault during that shuts the processor down. Task gates and virtual-8086 mode are not supported: a
 * gate of an unknown type raises #GP.
 */
public final class InterruptDelivery {
  /** Where an event comes from: it decides checks and error codes. */
  public enum Source {
    EXCEPTION,
    /** INT n, INT3, INTO: the gate's privilege is checked. */
    INSTRUCTION,
    EXTERNAL
  }

  private static final int EXTERNAL_BIT = 1;
  private static final int IDT_BIT = 2;

  private InterruptDelivery() {}

  /**
   * Delivers the exception that {@link Cpu#fault} holds.
   *
   * @return whether guest code goes on; false means the processor shut down
   */
  public static boolean deliverFault(Cpu cpu) {
    GuestFault fault = cpu.fault;
    int vector = fault.vector();
    int errorCode = fault.errorCode();
    long stack = cpu.gpr[Cpu.RSP];
    if (vector != Vector.DEBUG) {
      cpu.flags.set(Flags.RF);
    }
    for (int attempt = 0; attempt < 3; attempt++) {
      if (vector == Vector.PAGE_FAULT) {
        cpu.system.cr2 = fault.address();
      }
      try {
        deliver(cpu, vector, errorCode, Source.EXCEPTION);
        return true;
      } catch (GuestFault second) {
        cpu.gpr[Cpu.RSP] = stack;
        if (vector == Vector.DOUBLE_FAULT) {
          break;
        }
        if (combinesToDoubleFault(vector, second.vector())) {
          vector = Vector.DOUBLE_FAULT;
          errorCode = 0;
        } else {
          vector = second.vector();
          errorCode = second.errorCode();
        }
      }
    }
    cpu.exit.reason = ExitReason.SHUTDOWN;
    return false;
  }

  private static boolean isContributory(int vector) {
    return vector == Vector.DIVIDE || (vector >= Vector.INVALID_TSS && vector <= Vector.PROTECTION);
  }

  private static boolean combinesToDoubleFault(int first, int second) {
    if (first == Vector.PAGE_FAULT) {
      return second == Vector.PAGE_FAULT || isContributory(second);
    }
    return isContributory(first) && isContributory(second);
  }

  /** Delivers one event; {@code errorCode} is {@link GuestFault#NO_ERROR_CODE} if there is none. */
  public static void deliver(Cpu cpu, int vector, int errorCode, Source source) {
    if (!cpu.system.protectedMode()) {
      deliverReal(cpu, vector);
    } else if (cpu.system.longModeActive()) {
      deliverLong(cpu, vector, errorCode, source);
    } else {
      deliverLegacy(cpu, vector, errorCode, source);
    }
  }

  private static int idtError(int vector, Source source) {
    return vector * 8 | IDT_BIT | (source == Source.INSTRUCTION ? 0 : EXTERNAL_BIT);
  }

  private static int selectorError(int selector, Source source) {
    return (selector & 0xFFFC) | (source == Source.INSTRUCTION ? 0 : EXTERNAL_BIT);
  }

  private static void deliverReal(Cpu cpu, int vector) {
    if (vector * 4 + 3 > cpu.system.idtLimit) {
      throw cpu.fault.raise(Vector.DOUBLE_FAULT, 0);
    }
    long entry = cpu.memory.loadSystem(cpu.system.idtBase + vector * 4L, 4);
    cpu.push(cpu.flags.value(), 2);
    cpu.push(cpu.segments.selector(Segments.CS), 2);
    cpu.push(cpu.rip, 2);
    cpu.flags.clear(Flags.IF | Flags.TF | Flags.AC);
    int selector = (int) (entry >>> 16) & 0xFFFF;
    cpu.segments.set(Segments.CS, selector, (long) selector << 4, 0xFFFF, 0x9B);
    cpu.rip = entry & 0xFFFF;
  }

  private static boolean isInterruptGate(int type) {
    return type == Descriptor.TYPE_INTERRUPT_GATE || type == Descriptor.TYPE_INTERRUPT_GATE_16;
  }

  private static void checkGate(Cpu cpu, long gate, int vector, Source source) {
    int type = Descriptor.type(gate);
    boolean known =
        type == Descriptor.TYPE_INTERRUPT_GATE
            || type == Descriptor.TYPE_TRAP_GATE
            || (!cpu.system.longModeActive()
                && (type == Descriptor.TYPE_INTERRUPT_GATE_16
                    || type == Descriptor.TYPE_TRAP_GATE_16));
    if (!known || !Descriptor.isSystem(gate)) {
      throw cpu.fault.protection(idtError(vector, source));
    }
    if (source == Source.INSTRUCTION && Descriptor.privilege(gate) < cpu.privilege) {
      throw cpu.fault.protection(idtError(vector, source));
    }
    if (!Descriptor.isPresent(gate)) {
      throw cpu.fault.raise(Vector.NOT_PRESENT, idtError(vector, source));
    }
  }

  /** Reads and checks the handler's code descriptor. */
  private static long handlerCode(Cpu cpu, int selector, Source source) {
    if ((selector & 0xFFFC) == 0) {
      throw cpu.fault.protection(source == Source.INSTRUCTION ? 0 : EXTERNAL_BIT);
    }
    long code;
    try {
      code = DescriptorTables.read(cpu, selector);
    } catch (GuestFault outsideTable) {
      throw cpu.fault.protection(selectorError(selector, source));
    }
    if (!Descriptor.isCode(code) || Descriptor.privilege(code) > cpu.privilege) {
      throw cpu.fault.protection(selectorError(selector, source));
    }
    if (!Descriptor.isPresent(code)) {
      throw cpu.fault.raise(Vector.NOT_PRESENT, selectorError(selector, source));
    }
    return code;
  }

  private static int handlerLevel(Cpu cpu, long code) {
    return Descriptor.isConforming(code) ? cpu.privilege : Descriptor.privilege(code);
  }

  private static void deliverLong(Cpu cpu, int vector, int errorCode, Source source) {
    SystemRegisters system = cpu.system;
    if (vector * 16 + 15 > system.idtLimit) {
      throw cpu.fault.protection(idtError(vector, source));
    }
    long gateAddress = system.idtBase + vector * 16L;
    long gate = cpu.memory.loadSystem(gateAddress, 8);
    long gateHigh = cpu.memory.loadSystem(gateAddress + 8, 8);
    checkGate(cpu, gate, vector, source);
    int selector = Descriptor.gateSelector(gate);
    long code = handlerCode(cpu, selector, source);
    if (!Descriptor.isLong(code) || Descriptor.isBig(code)) {
      throw cpu.fault.protection(selectorError(selector, source));
    }
    long target = Descriptor.gateOffset(gate) | gateHigh << 32;
    if (target << 16 >> 16 != target) {
      throw cpu.fault.protection(0);
    }
    int level = handlerLevel(cpu, code);
    int stackTable = Descriptor.gateStackTable(gate);
    boolean levelChanges = level != cpu.privilege;
    long stack = cpu.gpr[Cpu.RSP];
    if (stackTable != 0) {
      stack = taskStack(cpu, 0x24 + 8 * (stackTable - 1));
    } else if (levelChanges) {
      stack = taskStack(cpu, 4 + 8 * level);
    }
    stack = (stack & -16) - (errorCode == GuestFault.NO_ERROR_CODE ? 40 : 48);
    pushLongFrame(cpu, stack, level, errorCode);
    if (levelChanges) {
      cpu.segments.setNull(Segments.SS, level, 0);
    }
    DescriptorTables.loadCode(cpu, selector, code, level);
    cpu.gpr[Cpu.RSP] = stack;
    cpu.rip = target;
    enterHandler(cpu, gate);
  }

  private static void pushLongFrame(Cpu cpu, long stack, int level, int errorCode) {
    long slot = stack;
    cpu.memory.selectPrivilege(level == 3);
    try {
      cpu.memory.requireWritable(stack, errorCode == GuestFault.NO_ERROR_CODE ? 40 : 48);
      if (errorCode != GuestFault.NO_ERROR_CODE) {
        cpu.memory.storeLong(slot, errorCode);
        slot += 8;
      }
      cpu.memory.storeLong(slot, cpu.rip);
      cpu.memory.storeLong(slot + 8, cpu.segments.selector(Segments.CS));
      cpu.memory.storeLong(slot + 16, cpu.flags.value());
      cpu.memory.storeLong(slot + 24, cpu.gpr[Cpu.RSP]);
      cpu.memory.storeLong(slot + 32, cpu.segments.selector(Segments.SS));
    } finally {
      cpu.memory.selectPrivilege(cpu.privilege == 3);
    }
  }

  private static void enterHandler(Cpu cpu, long gate) {
    cpu.flags.clear(Flags.TF | Flags.NT | Flags.RF | Flags.VM);
    if (isInterruptGate(Descriptor.type(gate))) {
      cpu.flags.clear(Flags.IF);
    }
  }

  private static long taskStack(Cpu cpu, int offset) {
    if (offset + 7 > cpu.segments.limit(Segments.TR)) {
      int selector = cpu.segments.selector(Segments.TR);
      throw cpu.fault.raise(Vector.INVALID_TSS, selector & 0xFFFC);
    }
    long stack = cpu.memory.loadSystem(cpu.segments.base(Segments.TR) + offset, 8);
    if (stack << 16 >> 16 != stack) {
      throw cpu.fault.stack(0);
    }
    return stack;
  }

  private static void deliverLegacy(Cpu cpu, int vector, int errorCode, Source source) {
    if (vector * 8 + 7 > cpu.system.idtLimit) {
      throw cpu.fault.protection(idtError(vector, source));
    }
    long gate = cpu.memory.loadSystem(cpu.system.idtBase + vector * 8L, 8);
    checkGate(cpu, gate, vector, source);
    boolean wide = (Descriptor.type(gate) & 8) != 0;
    int size = wide ? 4 : 2;
    int selector = Descriptor.gateSelector(gate);
    long code = handlerCode(cpu, selector, source);
    int level = handlerLevel(cpu, code);
    int oldStackSelector = cpu.segments.selector(Segments.SS);
    long oldStack = cpu.gpr[Cpu.RSP];
    int oldCode = cpu.segments.selector(Segments.CS);
    int flags = cpu.flags.value();
    long returnAddress = cpu.rip;
    if (level != cpu.privilege) {
      long task = cpu.segments.base(Segments.TR);
      if (8 * level + 4 + 5 > cpu.segments.limit(Segments.TR)) {
        throw cpu.fault.raise(Vector.INVALID_TSS, cpu.segments.selector(Segments.TR) & 0xFFFC);
      }
      long stack = cpu.memory.loadSystem(task + 4 + 8L * level, 4) & 0xFFFF_FFFFL;
      int stackSelector = (int) cpu.memory.loadSystem(task + 8 + 8L * level, 2) & 0xFFFF;
      DescriptorTables.checkStack(cpu, stackSelector, level, Vector.INVALID_TSS);
      DescriptorTables.loadCode(cpu, selector, code, level);
      DescriptorTables.loadStack(cpu, stackSelector, level, Vector.INVALID_TSS);
      cpu.gpr[Cpu.RSP] = stack;
      cpu.push(oldStackSelector, size);
      cpu.push(oldStack, size);
    }
    cpu.push(flags, size);
    cpu.push(oldCode, size);
    cpu.push(returnAddress, size);
    if (errorCode != GuestFault.NO_ERROR_CODE) {
      cpu.push(errorCode, size);
    }
    DescriptorTables.loadCode(cpu, selector, code, level);
    cpu.rip = Cpu.zeroExtend(Descriptor.gateOffset(gate), size);
    enterHandler(cpu, gate);
  }
}
