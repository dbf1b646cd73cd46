// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.Operation;

/** Access to the operands of SSE and MMX instructions. */
public final class Vectors {
  private Vectors() {}

  /** Returns the address of a 16-byte operand that must be aligned. */
  public static long alignedAddress(Cpu cpu, Insn insn, boolean write) {
    long address = cpu.address(insn, 16, write);
    if ((address & 15) != 0) {
      throw cpu.fault.protection(0);
    }
    return address;
  }

  /** Returns the low half of the second operand. */
  public static long sourceLow(Cpu cpu, Insn insn) {
    return insn.src() >= 0
        ? cpu.sse.low(insn.src())
        : cpu.memory.loadLong(alignedAddress(cpu, insn, false));
  }

  /** Returns the high half of the second operand. */
  public static long sourceHigh(Cpu cpu, Insn insn) {
    return insn.src() >= 0
        ? cpu.sse.high(insn.src())
        : cpu.memory.loadLong(alignedAddress(cpu, insn, false) + 8);
  }

  /** Returns the low 8 bytes of a second operand that has no more in memory. */
  public static long source64(Cpu cpu, Insn insn) {
    return insn.src() >= 0
        ? cpu.sse.low(insn.src())
        : cpu.memory.loadLong(cpu.address(insn, 8, false));
  }

  /** Returns the low 4 bytes of a second operand that has no more in memory. */
  public static int source32(Cpu cpu, Insn insn) {
    return insn.src() >= 0
        ? (int) cpu.sse.low(insn.src())
        : cpu.memory.loadInt(cpu.address(insn, 4, false));
  }

  public static long mmxSource(Cpu cpu, Insn insn) {
    return insn.src() >= 0
        ? cpu.fpu.mmx(insn.src())
        : cpu.memory.loadLong(cpu.address(insn, 8, false));
  }

  public static void storeMmx(Cpu cpu, int register, long value) {
    cpu.fpu.enterMmx();
    cpu.fpu.mmx(register, value);
  }

  /** An operation on both halves of the first and second operand. */
  public record Packed(Lanes.Binary operation) implements Operation {
    @Override
    public void execute(Cpu cpu, Insn insn) {
      long low = sourceLow(cpu, insn);
      long high = sourceHigh(cpu, insn);
      int dst = insn.dst();
      cpu.sse.set(
          dst, operation.apply(cpu.sse.low(dst), low), operation.apply(cpu.sse.high(dst), high));
    }
  }

  public static Operation packed(Lanes.Binary operation) {
    return new Packed(operation);
  }

  /** The same on an MMX register. */
  public static Operation mmx(Lanes.Binary operation) {
    return (cpu, insn) -> {
      long source = mmxSource(cpu, insn);
      storeMmx(cpu, insn.dst(), operation.apply(cpu.fpu.mmx(insn.dst()), source));
    };
  }
}
