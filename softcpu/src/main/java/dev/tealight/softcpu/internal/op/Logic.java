// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Insn;

/** Bitwise operations. */
public final class Logic {
  private Logic() {}

  public static void and(Cpu cpu, Insn insn) {
    long result = cpu.readDstForUpdate(insn) & cpu.readSrc(insn);
    cpu.writeDst(insn, result);
    cpu.flags.logic(result);
  }

  public static void or(Cpu cpu, Insn insn) {
    long result = cpu.readDstForUpdate(insn) | cpu.readSrc(insn);
    cpu.writeDst(insn, result);
    cpu.flags.logic(result);
  }

  public static void xor(Cpu cpu, Insn insn) {
    long result = cpu.readDstForUpdate(insn) ^ cpu.readSrc(insn);
    cpu.writeDst(insn, result);
    cpu.flags.logic(result);
  }

  public static void test(Cpu cpu, Insn insn) {
    cpu.flags.logic(cpu.readDst(insn) & cpu.readSrc(insn));
  }

  public static void not(Cpu cpu, Insn insn) {
    cpu.writeDst(insn, ~cpu.readDstForUpdate(insn));
  }
}
