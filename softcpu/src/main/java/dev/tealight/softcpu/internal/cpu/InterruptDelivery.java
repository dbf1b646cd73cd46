// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

import dev.tealight.softcpu.internal.fault.GuestFault;
import dev.tealight.softcpu.internal.fault.Vector;

/**
 * Delivers exceptions and interrupts through the IDT (Intel SDM volume 3, chapter 6).
 *
 * <p>A fault during the delivery of another becomes a double fault where the manual says so, and a
 * fault during that shuts the processor down. A delivery that faults, or leaves to the monitor, has
 * changed no register; below the stack pointer, parts of the frame may have been written. Task
 * gates and virtual-8086 mode are not supported: a gate of an unknown type raises #GP.
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
    int flags = cpu.flags.value() | (vector == Vector.DEBUG ? 0 : Flags.RF);
    noteAddress(cpu);
    for (int attempt = 0; attempt < 3; attempt++) {
      try {
        deliver(cpu, vector, errorCode, Source.EXCEPTION, flags);
        return true;
      } catch (GuestFault second) {
        noteAddress(cpu); // even if it becomes a double fault
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

  private static void noteAddress(Cpu cpu) {
    if (cpu.fault.vector() == Vector.PAGE_FAULT) {
      cpu.system.cr2 = cpu.fault.address();
    }
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

  /** Delivers an event that has no error code and is no fault. */
  public static void deliver(Cpu cpu, int vector, Source source) {
    deliver(cpu, vector, GuestFault.NO_ERROR_CODE, source, cpu.flags.value());
  }

  private static void deliver(Cpu cpu, int vector, int errorCode, Source source, int flags) {
    if (!cpu.system.protectedMode()) {
      deliverReal(cpu, vector, source, flags);
    } else if (cpu.system.longModeActive()) {
      deliverLong(cpu, vector, errorCode, source, flags);
    } else {
      deliverLegacy(cpu, vector, errorCode, source, flags);
    }
    cpu.trapDue = false;
  }

  private static int externalBit(Source source) {
    return source == Source.INSTRUCTION ? 0 : EXTERNAL_BIT;
  }

  private static int idtError(int vector, Source source) {
    return vector * 8 | IDT_BIT | externalBit(source);
  }

  private static int selectorError(int selector, Source source) {
    return DescriptorTables.errorCode(selector) | externalBit(source);
  }

  private static void deliverReal(Cpu cpu, int vector, Source source, int flags) {
    if (vector * 4 + 3 > cpu.system.idtLimit) {
      throw cpu.fault.protection(idtError(vector, source));
    }
    long entry = cpu.memory.loadSystem(cpu.system.idtBase + vector * 4L, 4);
    Frame frame = new Frame(cpu, Segments.SS, cpu.gpr[Cpu.RSP], 2, externalBit(source));
    frame.push(flags);
    frame.push(cpu.segments.selector(Segments.CS));
    frame.push(cpu.rip);
    // Nothing faults from here on.
    cpu.gpr[Cpu.RSP] = frame.pointer;
    cpu.flags.clear(Flags.IF | Flags.TF | Flags.AC);
    cpu.realCode((int) (entry >>> 16) & 0xFFFF);
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
    if ((selector & 0xFFFC) == 0 || !DescriptorTables.contains(cpu, selector)) {
      throw cpu.fault.protection(selectorError(selector, source));
    }
    long code = DescriptorTables.read(cpu, selector);
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

  private static void deliverLong(Cpu cpu, int vector, int errorCode, Source source, int flags) {
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
      throw cpu.fault.protection(externalBit(source));
    }
    int level = handlerLevel(cpu, code);
    int stackTable = Descriptor.gateStackTable(gate);
    boolean levelChanges = level != cpu.privilege;
    long stack = cpu.gpr[Cpu.RSP];
    if (stackTable != 0) {
      stack = taskStack(cpu, 0x24 + 8 * (stackTable - 1), source);
    } else if (levelChanges) {
      stack = taskStack(cpu, 4 + 8 * level, source);
    }
    stack = (stack & -16) - (errorCode == GuestFault.NO_ERROR_CODE ? 40 : 48);
    if (stack << 16 >> 16 != stack) {
      throw cpu.fault.stack(externalBit(source));
    }
    DescriptorTables.markAccessed(cpu, selector, code);
    pushLongFrame(cpu, stack, level, errorCode, flags);
    // Nothing faults from here on.
    if (levelChanges) {
      cpu.segments.setNull(Segments.SS, level, 0);
    }
    DescriptorTables.setCode(cpu, selector, code, level);
    cpu.gpr[Cpu.RSP] = stack;
    cpu.rip = target;
    enterHandler(cpu, gate);
  }

  private static void pushLongFrame(Cpu cpu, long stack, int level, int errorCode, int flags) {
    long slot = stack;
    cpu.memory.selectSystem(level == 3);
    try {
      cpu.memory.requireWritable(stack, errorCode == GuestFault.NO_ERROR_CODE ? 40 : 48);
      if (errorCode != GuestFault.NO_ERROR_CODE) {
        cpu.memory.storeLong(slot, errorCode);
        slot += 8;
      }
      cpu.memory.storeLong(slot, cpu.rip);
      cpu.memory.storeLong(slot + 8, cpu.segments.selector(Segments.CS));
      cpu.memory.storeLong(slot + 16, flags);
      cpu.memory.storeLong(slot + 24, cpu.gpr[Cpu.RSP]);
      cpu.memory.storeLong(slot + 32, cpu.segments.selector(Segments.SS));
    } finally {
      cpu.memory.selectPrivilege(cpu.privilege == 3);
      cpu.memory.paging.wideAddresses = cpu.codeBits == 64;
    }
  }

  private static void enterHandler(Cpu cpu, long gate) {
    cpu.flags.clear(Flags.TF | Flags.NT | Flags.RF | Flags.VM);
    if (isInterruptGate(Descriptor.type(gate))) {
      cpu.flags.clear(Flags.IF);
    }
  }

  private static void requireInTask(Cpu cpu, int offset, int byteSize, Source source) {
    if (offset + byteSize - 1 > cpu.segments.limit(Segments.TR)) {
      int task = cpu.segments.selector(Segments.TR);
      throw cpu.fault.raise(Vector.INVALID_TSS, selectorError(task, source));
    }
  }

  private static long taskStack(Cpu cpu, int offset, Source source) {
    requireInTask(cpu, offset, 8, source);
    return cpu.memory.loadSystem(cpu.segments.base(Segments.TR) + offset, 8);
  }

  private static void deliverLegacy(Cpu cpu, int vector, int errorCode, Source source, int flags) {
    if (vector * 8 + 7 > cpu.system.idtLimit) {
      throw cpu.fault.protection(idtError(vector, source));
    }
    long gate = cpu.memory.loadSystem(cpu.system.idtBase + vector * 8L, 8);
    checkGate(cpu, gate, vector, source);
    boolean wide = (Descriptor.type(gate) & 8) != 0;
    int size = wide ? 4 : 2;
    int selector = Descriptor.gateSelector(gate);
    long code = handlerCode(cpu, selector, source);
    long target = Cpu.zeroExtend(Descriptor.gateOffset(gate), size);
    if (target > Descriptor.limit(code)) {
      throw cpu.fault.protection(externalBit(source));
    }
    int level = handlerLevel(cpu, code);
    boolean levelChanges = level != cpu.privilege;
    Frame frame =
        levelChanges
            ? innerFrame(cpu, level, size, source)
            : new Frame(cpu, Segments.SS, cpu.gpr[Cpu.RSP], size, externalBit(source));
    DescriptorTables.markAccessed(cpu, selector, code);
    cpu.memory.selectPrivilege(level == 3);
    try {
      if (levelChanges) {
        frame.push(cpu.segments.selector(Segments.SS));
        frame.push(cpu.gpr[Cpu.RSP]);
      }
      frame.push(flags);
      frame.push(cpu.segments.selector(Segments.CS));
      frame.push(cpu.rip);
      if (errorCode != GuestFault.NO_ERROR_CODE) {
        frame.push(errorCode);
      }
    } finally {
      cpu.memory.selectPrivilege(cpu.privilege == 3);
    }
    // Nothing faults from here on.
    if (levelChanges) {
      cpu.segments.takeNextStack();
    }
    cpu.gpr[Cpu.RSP] = frame.pointer;
    DescriptorTables.setCode(cpu, selector, code, level);
    cpu.rip = target;
    enterHandler(cpu, gate);
  }

  /** Returns an empty frame on the stack that the task has for {@code level}. */
  private static Frame innerFrame(Cpu cpu, int level, int size, Source source) {
    boolean wideTask = (cpu.segments.attributes(Segments.TR) & 8) != 0;
    int pointerSize = wideTask ? 4 : 2;
    int offset = wideTask ? 4 + 8 * level : 2 + 4 * level;
    requireInTask(cpu, offset, pointerSize + 2, source);
    long slot = cpu.segments.base(Segments.TR) + offset;
    long pointer = Cpu.zeroExtend(cpu.memory.loadSystem(slot, pointerSize), pointerSize);
    int selector = (int) cpu.memory.loadSystem(slot + pointerSize, 2) & 0xFFFF;
    int vector = Vector.INVALID_TSS;
    long stack = DescriptorTables.readStack(cpu, selector, level, vector, externalBit(source));
    DescriptorTables.markAccessed(cpu, selector, stack);
    cpu.segments.setFromDescriptor(Segments.NEXT_STACK, selector, stack, 0);
    int error = selectorError(selector, source);
    return new Frame(cpu, Segments.NEXT_STACK, pointer, size, error);
  }

  /** What 16- and 32-bit handlers find on their stack: pushed before anything else changes. */
  private static final class Frame {
    private final Cpu cpu;
    private final int segment;
    private final int size;
    private final int errorCode;
    private final long mask;

    /** The stack pointer after all that was pushed. */
    long pointer;

    /**
     * Creates an empty one.
     *
     * @param errorCode of the #SS if the stack has no room
     */
    Frame(Cpu cpu, int segment, long pointer, int size, int errorCode) {
      this.cpu = cpu;
      this.segment = segment;
      this.pointer = pointer;
      this.size = size;
      this.errorCode = errorCode;
      boolean big = (cpu.segments.attributes(segment) & Segments.BIG) != 0;
      this.mask = big ? 0xFFFF_FFFFL : 0xFFFF;
    }

    void push(long value) {
      long offset = pointer - size & mask;
      if (!cpu.segments.allows(segment, offset, size, true)) {
        throw cpu.fault.stack(errorCode);
      }
      cpu.memory.store(cpu.segments.base(segment) + offset & 0xFFFF_FFFFL, size, value);
      pointer = (pointer & ~mask) | offset;
    }
  }
}
