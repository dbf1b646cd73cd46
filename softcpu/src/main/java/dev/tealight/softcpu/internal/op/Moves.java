// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import static dev.tealight.softcpu.internal.cpu.Cpu.signExtend;
import static dev.tealight.softcpu.internal.cpu.Cpu.zeroExtend;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Flags;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.Segments;

/** Data movement between general registers and memory, conversions, flag transfers. */
public final class Moves {
  private Moves() {}

  public static void mov(Cpu cpu, Insn insn) {
    cpu.writeDst(insn, cpu.readSrc(insn));
  }

  public static void movzx(Cpu cpu, Insn insn) {
    cpu.writeDst(insn, zeroExtend(cpu.readSrc(insn), insn.sourceSize()));
  }

  public static void lea(Cpu cpu, Insn insn) {
    cpu.writeDst(insn, cpu.effectiveAddress(insn));
  }

  public static void xchg(Cpu cpu, Insn insn) {
    long first = cpu.readDstForUpdate(insn);
    long second = cpu.readSrc(insn);
    cpu.writeDst(insn, second);
    cpu.register(insn.src(), insn.size(), first);
  }

  /** Opcode 90: nothing at all, unless REX makes it an exchange with R8. */
  public static void nopOrXchg(Cpu cpu, Insn insn) {
    if (insn.dst() != Cpu.RAX) {
      xchg(cpu, insn);
    }
  }

  public static void cmov(Cpu cpu, Insn insn) {
    long value = cpu.readSrc(insn); // read, and fault, whatever the condition
    boolean move = cpu.flags.condition(insn.opcode());
    cpu.writeDst(insn, move ? value : cpu.readDst(insn)); // clears the upper half either way
  }

  public static void setcc(Cpu cpu, Insn insn) {
    cpu.writeDst(insn, cpu.flags.condition(insn.opcode()) ? 1 : 0);
  }

  /** CBW, CWDE, CDQE. */
  public static void cbw(Cpu cpu, Insn insn) {
    int size = insn.size();
    cpu.register(Cpu.RAX, size, cpu.register(Cpu.RAX, size / 2));
  }

  /** CWD, CDQ, CQO. */
  public static void cwd(Cpu cpu, Insn insn) {
    int size = insn.size();
    cpu.register(Cpu.RDX, size, signExtend(cpu.gpr[Cpu.RAX], size) >> 63);
  }

  public static void xlat(Cpu cpu, Insn insn) {
    long offset = cpu.gpr[Cpu.RBX] + (cpu.gpr[Cpu.RAX] & 0xFF) & insn.addressMask();
    int segment = insn.segment();
    long address = segment == Segments.FLAT ? offset : cpu.linear(segment, offset, 1, false);
    cpu.register(Cpu.RAX, 1, cpu.memory.loadByte(address));
  }

  public static void nop(Cpu cpu, Insn insn) {}

  public static void fence(Cpu cpu, Insn insn) {
    java.lang.invoke.VarHandle.fullFence();
  }

  // Flags

  public static void lahf(Cpu cpu, Insn insn) {
    int low = cpu.flags.value() & 0xFF;
    cpu.register(Cpu.AH, 1, low);
  }

  public static void sahf(Cpu cpu, Insn insn) {
    int bits = (int) (cpu.gpr[Cpu.RAX] >>> 8);
    int kept = cpu.flags.arithmetic() & Flags.OF;
    cpu.flags.arithmetic((bits & ~Flags.OF) | kept);
  }

  public static void clc(Cpu cpu, Insn insn) {
    cpu.flags.arithmetic(cpu.flags.arithmetic() & ~Flags.CF);
  }

  public static void stc(Cpu cpu, Insn insn) {
    cpu.flags.arithmetic(cpu.flags.arithmetic() | Flags.CF);
  }

  public static void cmc(Cpu cpu, Insn insn) {
    cpu.flags.arithmetic(cpu.flags.arithmetic() ^ Flags.CF);
  }

  public static void cld(Cpu cpu, Insn insn) {
    cpu.flags.clear(Flags.DF);
  }

  public static void std(Cpu cpu, Insn insn) {
    cpu.flags.set(Flags.DF);
  }

  public static void salc(Cpu cpu, Insn insn) {
    cpu.register(Cpu.RAX, 1, cpu.flags.carry() ? -1 : 0);
  }
}
