// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import static dev.tealight.softcpu.internal.cpu.Cpu.signExtend;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Flags;
import dev.tealight.softcpu.internal.cpu.Insn;

/** Addition, subtraction, comparison, and the decimal adjustments. */
public final class Arithmetic {
  private Arithmetic() {}

  public static void add(Cpu cpu, Insn insn) {
    long left = cpu.readDstForUpdate(insn);
    long right = cpu.readSrc(insn);
    long result = signExtend(left + right, insn.size());
    cpu.writeDst(insn, result);
    cpu.flags.addition(left, right, result);
  }

  public static void adc(Cpu cpu, Insn insn) {
    long left = cpu.readDstForUpdate(insn);
    long right = cpu.readSrc(insn);
    long result = signExtend(left + right + (cpu.flags.carry() ? 1 : 0), insn.size());
    cpu.writeDst(insn, result);
    cpu.flags.addition(left, right, result);
  }

  public static void sub(Cpu cpu, Insn insn) {
    long left = cpu.readDstForUpdate(insn);
    long right = cpu.readSrc(insn);
    long result = signExtend(left - right, insn.size());
    cpu.writeDst(insn, result);
    cpu.flags.subtraction(left, right, result);
  }

  public static void sbb(Cpu cpu, Insn insn) {
    long left = cpu.readDstForUpdate(insn);
    long right = cpu.readSrc(insn);
    long result = signExtend(left - right - (cpu.flags.carry() ? 1 : 0), insn.size());
    cpu.writeDst(insn, result);
    cpu.flags.result(result, Flags.borrowBits(left, right, result));
  }

  public static void cmp(Cpu cpu, Insn insn) {
    long left = cpu.readDst(insn);
    long right = cpu.readSrc(insn);
    cpu.flags.subtraction(left, right, signExtend(left - right, insn.size()));
  }

  public static void inc(Cpu cpu, Insn insn) {
    long left = cpu.readDstForUpdate(insn);
    long result = signExtend(left + 1, insn.size());
    cpu.writeDst(insn, result);
    recordStep(cpu, left, result, left >= 0 && result < 0);
  }

  public static void dec(Cpu cpu, Insn insn) {
    long left = cpu.readDstForUpdate(insn);
    long result = signExtend(left - 1, insn.size());
    cpu.writeDst(insn, result);
    recordStep(cpu, left, result, left < 0 && result >= 0);
  }

  /** INC and DEC leave CF alone. */
  private static void recordStep(Cpu cpu, long left, long result, boolean overflow) {
    cpu.flags.result(result, Flags.stepBits(cpu.flags.carry(), left, result, overflow));
  }

  public static void neg(Cpu cpu, Insn insn) {
    long right = cpu.readDstForUpdate(insn);
    long result = signExtend(-right, insn.size());
    cpu.writeDst(insn, result);
    cpu.flags.subtraction(0, right, result);
  }

  public static void xadd(Cpu cpu, Insn insn) {
    long left = cpu.readDstForUpdate(insn);
    long right = cpu.readSrc(insn);
    long result = signExtend(left + right, insn.size());
    if (insn.dst() == Insn.MEMORY) {
      cpu.writeDst(insn, result);
      cpu.register(insn.src(), insn.size(), left);
    } else {
      cpu.register(insn.src(), insn.size(), left);
      cpu.writeDst(insn, result); // wins where both are the same register
    }
    cpu.flags.addition(left, right, result);
  }

  public static void cmpxchg(Cpu cpu, Insn insn) {
    int size = insn.size();
    long expected = cpu.register(Cpu.RAX, size);
    long found = cpu.readDstForUpdate(insn);
    if (expected == found) {
      cpu.writeDst(insn, cpu.readSrc(insn));
    } else {
      if (insn.dst() == Insn.MEMORY) {
        cpu.writeDst(insn, found); // the processor always writes
      }
      cpu.register(Cpu.RAX, size, found);
    }
    cpu.flags.subtraction(expected, found, signExtend(expected - found, size));
  }

  public static void cmpxchg8b(Cpu cpu, Insn insn) {
    int half = insn.size() == 8 ? 8 : 4;
    long address = cpu.address(insn, 2 * half, true);
    if (half == 8 && (address & 15) != 0) {
      throw cpu.fault.protection(0);
    }
    cpu.memory.requireWritable(address, 2 * half);
    long low = cpu.memory.load(address, half);
    long high = cpu.memory.load(address + half, half);
    boolean equal = low == cpu.register(Cpu.RAX, half) && high == cpu.register(Cpu.RDX, half);
    if (equal) {
      cpu.memory.store(address, half, cpu.gpr[Cpu.RBX]);
      cpu.memory.store(address + half, half, cpu.gpr[Cpu.RCX]);
    } else {
      cpu.memory.store(address, half, low);
      cpu.memory.store(address + half, half, high);
      cpu.register(Cpu.RAX, half, low);
      cpu.register(Cpu.RDX, half, high);
    }
    cpu.flags.update(equal ? Flags.ZF : 0, Flags.ZF);
  }

  /** ADCX: carry chain through CF only. */
  public static void adcx(Cpu cpu, Insn insn) {
    addThroughFlag(cpu, insn, Flags.CF, cpu.flags.carry());
  }

  /** ADOX: carry chain through OF only. */
  public static void adox(Cpu cpu, Insn insn) {
    addThroughFlag(cpu, insn, Flags.OF, cpu.flags.overflow());
  }

  private static void addThroughFlag(Cpu cpu, Insn insn, int flag, boolean carryIn) {
    long left = cpu.readDst(insn);
    long right = cpu.readSrc(insn);
    long result = signExtend(left + right + (carryIn ? 1 : 0), insn.size());
    cpu.writeDst(insn, result);
    boolean carryOut = ((left & right) | ((left | right) & ~result)) < 0;
    cpu.flags.arithmetic((cpu.flags.arithmetic() & ~flag) | (carryOut ? flag : 0));
  }

  // Decimal adjustments: 32-bit code only. OF is undefined; as on current processors it is cleared
  // by AAA, AAS, AAM and AAD.

  public static void daa(Cpu cpu, Insn insn) {
    decimalAdjust(cpu, 1);
  }

  public static void das(Cpu cpu, Insn insn) {
    decimalAdjust(cpu, -1);
  }

  private static void decimalAdjust(Cpu cpu, int sign) {
    int al = (int) cpu.gpr[Cpu.RAX] & 0xFF;
    boolean carry = cpu.flags.carry();
    boolean adjust = (al & 15) > 9 || cpu.flags.adjust();
    boolean carryOut = al > 0x99 || carry;
    int result = al;
    if (adjust) {
      result += sign * 6;
      carryOut |= sign < 0 && al < 6;
    }
    if (al > 0x99 || carry) {
      result += sign * 0x60;
    }
    cpu.register(Cpu.RAX, 1, result);
    cpu.flags.result((byte) result, (carryOut ? Flags.CF : 0) | (adjust ? Flags.AF : 0));
  }

  public static void aaa(Cpu cpu, Insn insn) {
    asciiAdjust(cpu, 0x106);
  }

  public static void aas(Cpu cpu, Insn insn) {
    asciiAdjust(cpu, -0x106);
  }

  private static void asciiAdjust(Cpu cpu, int step) {
    int ax = (int) cpu.gpr[Cpu.RAX] & 0xFFFF;
    boolean adjust = (ax & 15) > 9 || cpu.flags.adjust();
    int result = (adjust ? ax + step : ax) & 0xFF0F;
    cpu.register(Cpu.RAX, 2, result);
    cpu.flags.result((byte) result, adjust ? Flags.CF | Flags.AF : 0);
  }

  public static void aam(Cpu cpu, Insn insn) {
    int divisor = (int) insn.immediate() & 0xFF;
    if (divisor == 0) {
      throw cpu.fault.raise(dev.tealight.softcpu.internal.fault.Vector.DIVIDE);
    }
    int al = (int) cpu.gpr[Cpu.RAX] & 0xFF;
    cpu.register(Cpu.RAX, 2, (al / divisor) << 8 | al % divisor);
    cpu.flags.logic((byte) (al % divisor));
  }

  public static void aad(Cpu cpu, Insn insn) {
    int ax = (int) cpu.gpr[Cpu.RAX] & 0xFFFF;
    int result = (ax & 0xFF) + (ax >>> 8) * ((int) insn.immediate() & 0xFF) & 0xFF;
    cpu.register(Cpu.RAX, 2, result);
    cpu.flags.logic((byte) result);
  }
}
