// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import static dev.tealight.softcpu.internal.cpu.Cpu.zeroExtend;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Flags;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.InterruptDelivery;
import dev.tealight.softcpu.internal.fault.Vector;

/** Near jumps, calls, returns, loops, software interrupts. */
public final class ControlFlow {
  private ControlFlow() {}

  public static void jmpRelative(Cpu cpu, Insn insn) {
    branch(cpu, insn.immediate());
  }

  public static void jcc(Cpu cpu, Insn insn) {
    if (cpu.flags.condition(insn.opcode())) {
      branch(cpu, insn.immediate());
    }
  }

  /** Targets of relative branches are cut to size by the decoder. */
  private static void branch(Cpu cpu, long target) {
    cpu.jump(target, 8);
  }

  public static void jmpNear(Cpu cpu, Insn insn) {
    cpu.jump(cpu.readDst(insn), insn.size());
  }

  public static void callRelative(Cpu cpu, Insn insn) {
    call(cpu, insn.immediate(), insn.size());
  }

  public static void callNear(Cpu cpu, Insn insn) {
    call(cpu, zeroExtend(cpu.readDst(insn), insn.size()), insn.size());
  }

  private static void call(Cpu cpu, long target, int size) {
    long returnAddress = cpu.rip;
    cpu.jump(target, 8); // checks the target before anything is pushed
    cpu.push(returnAddress, size);
  }

  public static void ret(Cpu cpu, Insn insn) {
    int size = insn.size();
    cpu.jump(cpu.peek(0, size), size);
    cpu.stackPointer(cpu.gpr[Cpu.RSP] + size + (insn.immediate() & 0xFFFF));
  }

  public static void loop(Cpu cpu, Insn insn) {
    loopWhile(cpu, insn, true);
  }

  public static void loope(Cpu cpu, Insn insn) {
    loopWhile(cpu, insn, cpu.flags.zero());
  }

  public static void loopne(Cpu cpu, Insn insn) {
    loopWhile(cpu, insn, !cpu.flags.zero());
  }

  private static void loopWhile(Cpu cpu, Insn insn, boolean condition) {
    int size = insn.addressSize();
    long count = zeroExtend(cpu.gpr[Cpu.RCX] - 1, size);
    if (count != 0 && condition) {
      branch(cpu, insn.immediate());
    }
    cpu.register(Cpu.RCX, size, count);
  }

  public static void jrcxz(Cpu cpu, Insn insn) {
    if (zeroExtend(cpu.gpr[Cpu.RCX], insn.addressSize()) == 0) {
      branch(cpu, insn.immediate());
    }
  }

  public static void int3(Cpu cpu, Insn insn) {
    if (cpu.debugBreakpoints) {
      cpu.softwareBreakpoint(insn);
      return;
    }
    interrupt(cpu, Vector.BREAKPOINT);
  }

  public static void intN(Cpu cpu, Insn insn) {
    interrupt(cpu, (int) insn.immediate() & 0xFF);
  }

  public static void into(Cpu cpu, Insn insn) {
    if (cpu.flags.overflow()) {
      interrupt(cpu, Vector.OVERFLOW);
    }
  }

  /** INT1 is delivered like an exception: the gate's privilege does not matter. */
  public static void int1(Cpu cpu, Insn insn) {
    InterruptDelivery.deliver(cpu, Vector.DEBUG, InterruptDelivery.Source.EXCEPTION);
  }

  private static void interrupt(Cpu cpu, int vector) {
    InterruptDelivery.deliver(cpu, vector, InterruptDelivery.Source.INSTRUCTION);
  }

  public static void bound(Cpu cpu, Insn insn) {
    int size = insn.size();
    long index = cpu.readDst(insn);
    long address = cpu.address(insn, 2 * size, false);
    long lower = cpu.memory.load(address, size);
    long upper = cpu.memory.load(address + size, size);
    if (index < lower || index > upper) {
      throw cpu.fault.raise(Vector.BOUND);
    }
  }

  public static void cli(Cpu cpu, Insn insn) {
    requireIoPrivilege(cpu);
    cpu.flags.clear(Flags.IF);
  }

  public static void sti(Cpu cpu, Insn insn) {
    requireIoPrivilege(cpu);
    if (!cpu.flags.isSet(Flags.IF)) {
      cpu.flags.set(Flags.IF);
      cpu.attention |= Cpu.INTERRUPT_SHADOW;
    }
  }

  private static void requireIoPrivilege(Cpu cpu) {
    if (cpu.privilege > cpu.flags.ioPrivilege()) {
      throw cpu.fault.protection(0);
    }
  }
}
