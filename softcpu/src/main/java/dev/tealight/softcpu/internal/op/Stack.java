// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.DescriptorTables;
import dev.tealight.softcpu.internal.cpu.Flags;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.Segments;

/** PUSH, POP and stack frames. */
public final class Stack {
  private Stack() {}

  public static void push(Cpu cpu, Insn insn) {
    int size = insn.size();
    long value = insn.dst() == Insn.NONE ? insn.immediate() : cpu.readDst(insn);
    cpu.push(value, size);
  }

  public static void pop(Cpu cpu, Insn insn) {
    int size = insn.size();
    long value = cpu.peek(0, size);
    long oldPointer = cpu.gpr[Cpu.RSP];
    cpu.stackPointer(oldPointer + size); // before the address: POP [RSP] uses the new one
    if (insn.dst() >= 0) {
      cpu.register(insn.dst(), size, value);
      return;
    }
    storeOrRestore(cpu, insn, value, oldPointer);
  }

  private static void storeOrRestore(Cpu cpu, Insn insn, long value, long oldPointer) {
    boolean stored = false;
    try {
      cpu.writeDst(insn, value);
      stored = true;
    } finally {
      if (!stored) {
        cpu.gpr[Cpu.RSP] = oldPointer;
      }
    }
  }

  public static void pushSegment(Cpu cpu, Insn insn, int segment) {
    cpu.push(cpu.segments.selector(segment), insn.size());
  }

  public static void pusha(Cpu cpu, Insn insn) {
    int size = insn.size();
    for (int i = 0; i < 8; i++) {
      cpu.poke((i + 1) * size, size, cpu.gpr[i]);
    }
    cpu.stackPointer(cpu.gpr[Cpu.RSP] - 8L * size);
  }

  public static void popa(Cpu cpu, Insn insn) {
    int size = insn.size();
    long[] values = new long[8];
    for (int i = 0; i < 8; i++) {
      values[7 - i] = cpu.peek(i * size, size);
    }
    for (int i = 0; i < 8; i++) {
      if (i != Cpu.RSP) {
        cpu.register(i, size, values[i]);
      }
    }
    cpu.stackPointer(cpu.gpr[Cpu.RSP] + 8L * size);
  }

  public static void enter(Cpu cpu, Insn insn) {
    int size = insn.size();
    int level = insn.third() & 31;
    long pointer = cpu.gpr[Cpu.RSP];
    long frame = pointer - size;
    long linear = cpu.stackAddress(frame, size, true);
    cpu.memory.store(linear, size, cpu.gpr[Cpu.RBP]);
    long slot = frame;
    for (int i = 1; i <= level; i++) {
      long link =
          i == level
              ? frame
              : cpu.memory.load(
                  cpu.stackAddress(cpu.gpr[Cpu.RBP] - (long) i * size, size, false), size);
      slot -= size;
      cpu.memory.store(cpu.stackAddress(slot, size, true), size, link);
    }
    slot -= insn.immediate() & 0xFFFF;
    cpu.memory.requireWritable(cpu.stackAddress(slot, size, true), 1);
    cpu.register(Cpu.RBP, size, frame);
    cpu.stackPointer(slot);
  }

  public static void leave(Cpu cpu, Insn insn) {
    int size = insn.size();
    long frame = cpu.gpr[Cpu.RBP];
    long value = cpu.memory.load(cpu.stackAddress(frame, size, false), size);
    cpu.stackPointer(frame + size);
    cpu.register(Cpu.RBP, size, value);
  }

  public static void pushf(Cpu cpu, Insn insn) {
    cpu.push(cpu.flags.value() & ~(Flags.RF | Flags.VM), insn.size());
  }

  public static void popf(Cpu cpu, Insn insn) {
    int size = insn.size();
    long value = cpu.pop(size);
    int changeable = Flags.ARITHMETIC | Flags.TF | Flags.DF | Flags.NT | Flags.AC | Flags.ID;
    if (cpu.privilege == 0) {
      changeable |= Flags.IOPL;
    }
    if (cpu.privilege <= cpu.flags.ioPrivilege()) {
      changeable |= Flags.IF;
    }
    if (size == 2) {
      changeable &= 0xFFFF;
    }
    cpu.flags.update((int) value, changeable);
    cpu.flags.clear(Flags.RF);
    Privileged.flagsChanged(cpu);
  }

  public static void popSegment(Cpu cpu, Insn insn, int segment) {
    int size = insn.size();
    int selector = (int) cpu.peek(0, size) & 0xFFFF;
    DescriptorTables.load(cpu, segment, selector);
    cpu.stackPointer(cpu.gpr[Cpu.RSP] + size);
    if (segment == Segments.SS) {
      cpu.stackSegmentLoaded();
    }
  }
}
