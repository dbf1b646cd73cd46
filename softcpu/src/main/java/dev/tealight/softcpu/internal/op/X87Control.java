// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Fpu;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.Sse;
import dev.tealight.softcpu.internal.cpu.SystemRegisters;
import dev.tealight.softcpu.internal.fault.Vector;

/**
 * Control words, environments and state images of x87 and SSE.
 *
 * <p>The pointers to the last instruction and its operand are not tracked: they are saved as they
 * were restored, and start as zero.
 */
public final class X87Control {
  private static final int CONTROL_DEFINED = 0x1F7F;
  private static final int STATUS_EXCEPTIONS = 0x80FF;

  private X87Control() {}

  public static void fwait(Cpu cpu, Insn insn) {
    long both = SystemRegisters.CR0_MP | SystemRegisters.CR0_TS;
    if ((cpu.system.cr0 & both) == both) {
      throw cpu.fault.raise(Vector.DEVICE_NOT_AVAILABLE);
    }
    cpu.x87.raisePending();
  }

  public static void fnop(Cpu cpu, Insn insn) {
    cpu.x87.raisePending();
  }

  public static void fnclex(Cpu cpu, Insn insn) {
    cpu.fpu.status &= ~STATUS_EXCEPTIONS;
  }

  public static void fninit(Cpu cpu, Insn insn) {
    cpu.fpu.reset();
  }

  private static void control(Cpu cpu, int value) {
    cpu.fpu.control = (value & CONTROL_DEFINED) | 0x40;
    cpu.x87.updateSummary();
  }

  public static void fldcw(Cpu cpu, Insn insn) {
    cpu.x87.raisePending();
    control(cpu, (int) cpu.load(insn, 2));
  }

  public static void fnstcw(Cpu cpu, Insn insn) {
    cpu.writeDst(insn, cpu.fpu.control);
  }

  public static void fnstsw(Cpu cpu, Insn insn) {
    cpu.writeDst(insn, cpu.fpu.statusWord());
  }

  // Environment: seven words of 4 bytes, or of 2 under an operand size of 2

  private static int wordSize(Insn insn) {
    return insn.size() == 2 ? 2 : 4;
  }

  public static void fnstenv(Cpu cpu, Insn insn) {
    int size = wordSize(insn);
    long address = cpu.address(insn, 7 * size, true);
    cpu.memory.requireWritable(address, 7 * size);
    storeEnvironment(cpu, address, size);
    cpu.fpu.control |= 0x3F;
    cpu.x87.updateSummary();
  }

  private static void storeEnvironment(Cpu cpu, long address, int size) {
    long filler = size == 4 ? 0xFFFF_0000L : 0;
    Fpu fpu = cpu.fpu;
    cpu.memory.store(address, size, filler | fpu.control);
    cpu.memory.store(address + size, size, filler | fpu.statusWord());
    cpu.memory.store(address + 2L * size, size, filler | fpu.tagWord());
    cpu.memory.store(address + 3L * size, size, fpu.lastInstruction);
    cpu.memory.store(address + 4L * size, size, 0);
    cpu.memory.store(address + 5L * size, size, fpu.lastData);
    cpu.memory.store(address + 6L * size, size, filler);
  }

  public static void fldenv(Cpu cpu, Insn insn) {
    int size = wordSize(insn);
    cpu.x87.raisePending();
    long address = cpu.address(insn, 7 * size, false);
    cpu.memory.requireReadable(address, 7 * size);
    loadEnvironment(cpu, address, size);
  }

  private static void loadEnvironment(Cpu cpu, long address, int size) {
    int control = (int) cpu.memory.load(address, 2);
    int status = (int) cpu.memory.load(address + size, 2) & 0xFFFF;
    int tags = (int) cpu.memory.load(address + 2L * size, 2) & 0xFFFF;
    cpu.fpu.statusWord(status);
    cpu.fpu.tagWord(tags);
    control(cpu, control);
  }

  public static void fnsave(Cpu cpu, Insn insn) {
    int size = wordSize(insn);
    int bytes = 7 * size + 80;
    long address = cpu.address(insn, bytes, true);
    cpu.memory.requireWritable(address, bytes);
    storeEnvironment(cpu, address, size);
    for (int i = 0; i < 8; i++) {
      int physical = cpu.fpu.physical(i);
      long slot = address + 7L * size + 10L * i;
      cpu.memory.storeLong(slot, cpu.fpu.significands[physical]);
      cpu.memory.storeShort(slot + 8, (short) cpu.fpu.exponents[physical]);
    }
    cpu.fpu.reset();
  }

  public static void frstor(Cpu cpu, Insn insn) {
    int size = wordSize(insn);
    int bytes = 7 * size + 80;
    cpu.x87.raisePending();
    long address = cpu.address(insn, bytes, false);
    cpu.memory.requireReadable(address, bytes);
    long[] significands = new long[8];
    int[] exponents = new int[8];
    for (int i = 0; i < 8; i++) {
      long slot = address + 7L * size + 10L * i;
      significands[i] = cpu.memory.loadLong(slot);
      exponents[i] = cpu.memory.loadShort(slot + 8) & 0xFFFF;
    }
    loadEnvironment(cpu, address, size);
    for (int i = 0; i < 8; i++) {
      int physical = cpu.fpu.physical(i);
      cpu.fpu.significands[physical] = significands[i];
      cpu.fpu.exponents[physical] = exponents[i];
    }
  }

  // MXCSR

  public static void ldmxcsr(Cpu cpu, Insn insn) {
    int value = (int) cpu.load(insn, 4);
    if ((value & ~Sse.MXCSR_MASK) != 0) {
      throw cpu.fault.protection(0);
    }
    cpu.sse.mxcsr = value;
  }

  public static void stmxcsr(Cpu cpu, Insn insn) {
    cpu.writeDst(insn, cpu.sse.mxcsr);
  }

  // FXSAVE: 512 bytes (Intel SDM volume 1, table 10-2)

  private static final int AREA = 512;
  private static final int REGISTERS = 32;
  private static final int XMM = 160;

  private static int xmmCount(Cpu cpu) {
    return cpu.codeBits == 64 ? 16 : 8;
  }

  public static void fxsave(Cpu cpu, Insn insn) {
    long address = areaAddress(cpu, insn, true);
    cpu.memory.requireWritable(address, AREA);
    Fpu fpu = cpu.fpu;
    cpu.memory.storeShort(address, (short) fpu.control);
    cpu.memory.storeShort(address + 2, (short) fpu.statusWord());
    cpu.memory.storeByte(address + 4, (byte) fpu.used);
    cpu.memory.storeByte(address + 5, (byte) 0);
    cpu.memory.storeShort(address + 6, (short) fpu.lastOpcode);
    cpu.memory.storeLong(address + 8, fpu.lastInstruction);
    cpu.memory.storeLong(address + 16, fpu.lastData);
    cpu.memory.storeInt(address + 24, cpu.sse.mxcsr);
    cpu.memory.storeInt(address + 28, Sse.MXCSR_MASK);
    for (int i = 0; i < 8; i++) {
      int physical = fpu.physical(i);
      cpu.memory.storeLong(address + REGISTERS + 16L * i, fpu.significands[physical]);
      cpu.memory.storeLong(address + REGISTERS + 16L * i + 8, fpu.exponents[physical]);
    }
    for (int i = 0; i < xmmCount(cpu); i++) {
      cpu.memory.storeLong(address + XMM + 16L * i, cpu.sse.low(i));
      cpu.memory.storeLong(address + XMM + 16L * i + 8, cpu.sse.high(i));
    }
  }

  private static long areaAddress(Cpu cpu, Insn insn, boolean write) {
    long address = cpu.address(insn, AREA, write);
    if ((address & 15) != 0) {
      throw cpu.fault.protection(0);
    }
    return address;
  }

  public static void fxrstor(Cpu cpu, Insn insn) {
    long address = areaAddress(cpu, insn, false);
    cpu.memory.requireReadable(address, AREA);
    int mxcsr = cpu.memory.loadInt(address + 24);
    if ((mxcsr & ~Sse.MXCSR_MASK) != 0) {
      throw cpu.fault.protection(0);
    }
    Fpu fpu = cpu.fpu;
    int control = cpu.memory.loadShort(address);
    fpu.statusWord(cpu.memory.loadShort(address + 2) & 0xFFFF);
    fpu.used = cpu.memory.loadByte(address + 4) & 0xFF;
    fpu.lastOpcode = cpu.memory.loadShort(address + 6) & 0x7FF;
    fpu.lastInstruction = cpu.memory.loadLong(address + 8);
    fpu.lastData = cpu.memory.loadLong(address + 16);
    control(cpu, control);
    cpu.sse.mxcsr = mxcsr;
    for (int i = 0; i < 8; i++) {
      int physical = fpu.physical(i);
      fpu.significands[physical] = cpu.memory.loadLong(address + REGISTERS + 16L * i);
      fpu.exponents[physical] = cpu.memory.loadShort(address + REGISTERS + 16L * i + 8) & 0xFFFF;
    }
    for (int i = 0; i < xmmCount(cpu); i++) {
      long low = cpu.memory.loadLong(address + XMM + 16L * i);
      cpu.sse.set(i, low, cpu.memory.loadLong(address + XMM + 16L * i + 8));
    }
  }
}
