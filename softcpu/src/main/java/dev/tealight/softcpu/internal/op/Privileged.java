// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import static dev.tealight.softcpu.internal.cpu.Cpu.zeroExtend;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.ExitReason;
import dev.tealight.softcpu.internal.cpu.Flags;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.Segments;
import dev.tealight.softcpu.internal.cpu.SystemRegisters;

/** Control, debug and model-specific registers, time, random numbers, HLT. */
public final class Privileged {
  private Privileged() {}

  /** Looks again at what depends on RFLAGS. */
  static void flagsChanged(Cpu cpu) {
    if (cpu.flags.isSet(Flags.TF)) {
      cpu.attention |= Cpu.STEPPING;
    }
  }

  public static void hlt(Cpu cpu, Insn insn) {
    cpu.requirePrivilege0();
    cpu.leave(ExitReason.HALT);
  }

  private static int width(Cpu cpu) {
    return cpu.codeBits == 64 ? 8 : 4;
  }

  public static void movFromControl(Cpu cpu, Insn insn) {
    cpu.requirePrivilege0();
    cpu.register(insn.dst(), width(cpu), cpu.system.control(insn.src()));
  }

  public static void movToControl(Cpu cpu, Insn insn) {
    cpu.requirePrivilege0();
    cpu.system.control(insn.dst(), zeroExtend(cpu.gpr[insn.src()], width(cpu)));
  }

  public static void movFromDebug(Cpu cpu, Insn insn) {
    int number = debugNumber(cpu, insn.src());
    cpu.register(insn.dst(), width(cpu), cpu.system.debugRegister(number));
  }

  public static void movToDebug(Cpu cpu, Insn insn) {
    int number = debugNumber(cpu, insn.dst());
    cpu.system.debugRegister(number, zeroExtend(cpu.gpr[insn.src()], width(cpu)));
  }

  /** DR4 and DR5 are DR6 and DR7 as long as CR4.DE is clear. */
  private static int debugNumber(Cpu cpu, int number) {
    cpu.requirePrivilege0();
    boolean alias = number == 4 || number == 5;
    if (number > 7 || (alias && (cpu.system.cr4 & 8) != 0)) {
      throw cpu.fault.undefined();
    }
    return alias ? number + 2 : number;
  }

  public static void clts(Cpu cpu, Insn insn) {
    cpu.requirePrivilege0();
    cpu.system.clearTaskSwitched();
  }

  public static void lmsw(Cpu cpu, Insn insn) {
    cpu.requirePrivilege0();
    long low = (cpu.readDst(insn) & 15) | (cpu.system.cr0 & SystemRegisters.CR0_PE);
    cpu.system.control(0, (cpu.system.cr0 & ~14L) | low);
  }

  public static void smsw(Cpu cpu, Insn insn) {
    cpu.writeDst(insn, cpu.system.cr0);
  }

  /** INVD, WBINVD. */
  public static void invalidateCaches(Cpu cpu, Insn insn) {
    cpu.requirePrivilege0();
  }

  public static void invlpg(Cpu cpu, Insn insn) {
    cpu.requirePrivilege0();
    long offset = cpu.effectiveAddress(insn);
    int segment = insn.segment();
    long base = segment == Segments.FLAT ? 0 : cpu.segments.base(segment);
    cpu.memory.flushPage(base + offset);
  }

  /** CLFLUSH and CLFLUSHOPT: the address is translated, nothing else happens. */
  public static void clflush(Cpu cpu, Insn insn) {
    cpu.memory.requireReadable(cpu.address(insn, 1, false), 1);
  }

  public static void rdmsr(Cpu cpu, Insn insn) {
    cpu.requirePrivilege0();
    setPair(cpu, cpu.system.msrs.read((int) cpu.gpr[Cpu.RCX]));
  }

  public static void wrmsr(Cpu cpu, Insn insn) {
    cpu.requirePrivilege0();
    long value = cpu.gpr[Cpu.RDX] << 32 | (cpu.gpr[Cpu.RAX] & 0xFFFF_FFFFL);
    cpu.system.msrs.write((int) cpu.gpr[Cpu.RCX], value);
  }

  private static void setPair(Cpu cpu, long value) {
    cpu.gpr[Cpu.RAX] = value & 0xFFFF_FFFFL;
    cpu.gpr[Cpu.RDX] = value >>> 32;
  }

  public static void rdtsc(Cpu cpu, Insn insn) {
    if ((cpu.system.cr4 & SystemRegisters.CR4_TSD) != 0) {
      cpu.requirePrivilege0();
    }
    setPair(cpu, cpu.system.msrs.timestamp());
  }

  public static void rdtscp(Cpu cpu, Insn insn) {
    rdtsc(cpu, insn);
    cpu.gpr[Cpu.RCX] = cpu.system.msrs.tscAux;
  }

  public static void random(Cpu cpu, Insn insn) {
    cpu.writeDst(insn, cpu.environment.random());
    cpu.flags.arithmetic(Flags.CF);
  }

  public static void swapgs(Cpu cpu, Insn insn) {
    cpu.requirePrivilege0();
    long base = cpu.segments.base(Segments.GS);
    cpu.segments.base(Segments.GS, cpu.system.msrs.kernelGsBase);
    cpu.system.msrs.kernelGsBase = base;
  }

  private static void requireFsGsBase(Cpu cpu) {
    if ((cpu.system.cr4 & SystemRegisters.CR4_FSGSBASE) == 0) {
      throw cpu.fault.undefined();
    }
  }

  public static void readBase(Cpu cpu, Insn insn, int segment) {
    requireFsGsBase(cpu);
    cpu.writeDst(insn, cpu.segments.base(segment));
  }

  public static void writeBase(Cpu cpu, Insn insn, int segment) {
    requireFsGsBase(cpu);
    long base = zeroExtend(cpu.readDst(insn), insn.size());
    if (base << 16 >> 16 != base) {
      throw cpu.fault.protection(0);
    }
    cpu.segments.base(segment, base);
  }
}
