// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.Sse;

/** Moves between vector registers, general registers and memory. */
public final class VectorMoves {
  private VectorMoves() {}

  /** MOVAPS, MOVAPD, MOVDQA, MOVNT*: 16 aligned bytes. */
  public static void aligned(Cpu cpu, Insn insn) {
    if (insn.dst() == Insn.MEMORY) {
      store(cpu, Vectors.alignedAddress(cpu, insn, true), insn.src());
    } else {
      long low = Vectors.sourceLow(cpu, insn);
      cpu.sse.set(insn.dst(), low, Vectors.sourceHigh(cpu, insn));
    }
  }

  /** MOVUPS, MOVUPD, MOVDQU, LDDQU. */
  public static void unaligned(Cpu cpu, Insn insn) {
    if (insn.dst() == Insn.MEMORY) {
      store(cpu, cpu.address(insn, 16, true), insn.src());
    } else if (insn.src() == Insn.MEMORY) {
      long address = cpu.address(insn, 16, false);
      long low = cpu.memory.loadLong(address);
      cpu.sse.set(insn.dst(), low, cpu.memory.loadLong(address + 8));
    } else {
      cpu.sse.set(insn.dst(), cpu.sse.low(insn.src()), cpu.sse.high(insn.src()));
    }
  }

  private static void store(Cpu cpu, long address, int register) {
    if ((address & 4095) > 4096 - 16) {
      cpu.memory.requireWritable(address, 16);
    }
    cpu.memory.storeLong(address, cpu.sse.low(register));
    cpu.memory.storeLong(address + 8, cpu.sse.high(register));
  }

  /** MOVSS: a load clears the rest, a register move keeps it. */
  public static void scalar32(Cpu cpu, Insn insn) {
    Sse sse = cpu.sse;
    if (insn.dst() == Insn.MEMORY) {
      cpu.memory.storeInt(cpu.address(insn, 4, true), (int) sse.low(insn.src()));
    } else if (insn.src() == Insn.MEMORY) {
      sse.set(insn.dst(), cpu.memory.loadInt(cpu.address(insn, 4, false)) & 0xFFFF_FFFFL, 0);
    } else {
      sse.low32(insn.dst(), (int) sse.low(insn.src()));
    }
  }

  /** MOVSD. */
  public static void scalar64(Cpu cpu, Insn insn) {
    Sse sse = cpu.sse;
    if (insn.dst() == Insn.MEMORY) {
      cpu.memory.storeLong(cpu.address(insn, 8, true), sse.low(insn.src()));
    } else if (insn.src() == Insn.MEMORY) {
      sse.set(insn.dst(), cpu.memory.loadLong(cpu.address(insn, 8, false)), 0);
    } else {
      sse.low(insn.dst(), sse.low(insn.src()));
    }
  }

  /** MOVQ between XMM registers and memory: clears the upper half. */
  public static void movq(Cpu cpu, Insn insn) {
    if (insn.dst() == Insn.MEMORY) {
      cpu.memory.storeLong(cpu.address(insn, 8, true), cpu.sse.low(insn.src()));
    } else {
      cpu.sse.set(insn.dst(), Vectors.source64(cpu, insn), 0);
    }
  }

  /** MOVD and MOVQ from a general register or memory. */
  public static void fromGeneral(Cpu cpu, Insn insn) {
    cpu.sse.set(insn.dst(), Cpu.zeroExtend(cpu.readSrc(insn), insn.sourceSize()), 0);
  }

  /** MOVD and MOVQ to a general register or memory. */
  public static void toGeneral(Cpu cpu, Insn insn) {
    cpu.writeDst(insn, cpu.sse.low(insn.src()));
  }

  // Halves

  /** MOVLPS, MOVLPD with memory. */
  public static void low(Cpu cpu, Insn insn) {
    if (insn.dst() == Insn.MEMORY) {
      cpu.memory.storeLong(cpu.address(insn, 8, true), cpu.sse.low(insn.src()));
    } else {
      cpu.sse.low(insn.dst(), cpu.memory.loadLong(cpu.address(insn, 8, false)));
    }
  }

  /** MOVHPS, MOVHPD with memory. */
  public static void high(Cpu cpu, Insn insn) {
    if (insn.dst() == Insn.MEMORY) {
      cpu.memory.storeLong(cpu.address(insn, 8, true), cpu.sse.high(insn.src()));
    } else {
      cpu.sse.high(insn.dst(), cpu.memory.loadLong(cpu.address(insn, 8, false)));
    }
  }

  public static void movhlps(Cpu cpu, Insn insn) {
    cpu.sse.low(insn.dst(), cpu.sse.high(insn.src()));
  }

  public static void movlhps(Cpu cpu, Insn insn) {
    cpu.sse.high(insn.dst(), cpu.sse.low(insn.src()));
  }

  public static void movddup(Cpu cpu, Insn insn) {
    long value = Vectors.source64(cpu, insn);
    cpu.sse.set(insn.dst(), value, value);
  }

  public static void movsldup(Cpu cpu, Insn insn) {
    long low = Vectors.sourceLow(cpu, insn);
    long high = Vectors.sourceHigh(cpu, insn);
    cpu.sse.set(insn.dst(), twice((int) low), twice((int) high));
  }

  public static void movshdup(Cpu cpu, Insn insn) {
    long low = Vectors.sourceLow(cpu, insn);
    long high = Vectors.sourceHigh(cpu, insn);
    cpu.sse.set(insn.dst(), twice((int) (low >>> 32)), twice((int) (high >>> 32)));
  }

  private static long twice(int value) {
    return (value & 0xFFFF_FFFFL) * 0x1_0000_0001L;
  }

  // Masks

  public static void movmskps(Cpu cpu, Insn insn) {
    long low = cpu.sse.low(insn.src());
    long high = cpu.sse.high(insn.src());
    cpu.gpr[insn.dst()] =
        (low >>> 31 & 1) | (low >>> 62 & 2) | (high >>> 29 & 4) | (high >>> 60 & 8);
  }

  public static void movmskpd(Cpu cpu, Insn insn) {
    cpu.gpr[insn.dst()] = cpu.sse.low(insn.src()) >>> 63 | (cpu.sse.high(insn.src()) >>> 62 & 2);
  }

  public static void pmovmskb(Cpu cpu, Insn insn) {
    int low = Lanes.byteMask(cpu.sse.low(insn.src()));
    cpu.gpr[insn.dst()] = low | Lanes.byteMask(cpu.sse.high(insn.src())) << 8;
  }

  public static void pmovmskbMmx(Cpu cpu, Insn insn) {
    cpu.fpu.enterMmx();
    cpu.gpr[insn.dst()] = Lanes.byteMask(cpu.fpu.mmx(insn.src()));
  }

  /** MASKMOVDQU: writes the bytes of the first operand whose mask bit is set to DS:rDI. */
  public static void maskmovdqu(Cpu cpu, Insn insn) {
    maskedStore(cpu, insn, 0, cpu.sse.low(insn.dst()), cpu.sse.low(insn.src()));
    maskedStore(cpu, insn, 8, cpu.sse.high(insn.dst()), cpu.sse.high(insn.src()));
  }

  public static void maskmovq(Cpu cpu, Insn insn) {
    cpu.fpu.enterMmx();
    maskedStore(cpu, insn, 0, cpu.fpu.mmx(insn.dst()), cpu.fpu.mmx(insn.src()));
  }

  private static void maskedStore(Cpu cpu, Insn insn, int start, long value, long mask) {
    for (int i = 0; i < 8; i++) {
      if ((mask >>> (8 * i + 7) & 1) != 0) {
        long offset = cpu.gpr[Cpu.RDI] + start + i & insn.addressMask();
        long address = cpu.linearOf(insn, offset, 1, true);
        cpu.memory.storeByte(address, (byte) (value >>> (8 * i)));
      }
    }
  }

  // MMX

  public static void mmxMove(Cpu cpu, Insn insn) {
    if (insn.dst() == Insn.MEMORY) {
      cpu.memory.storeLong(cpu.address(insn, 8, true), cpu.fpu.mmx(insn.src()));
      cpu.fpu.enterMmx();
    } else {
      Vectors.storeMmx(cpu, insn.dst(), Vectors.mmxSource(cpu, insn));
    }
  }

  public static void mmxFromGeneral(Cpu cpu, Insn insn) {
    long value = Cpu.zeroExtend(cpu.readSrc(insn), insn.sourceSize());
    Vectors.storeMmx(cpu, insn.dst(), value);
  }

  public static void mmxToGeneral(Cpu cpu, Insn insn) {
    cpu.writeDst(insn, cpu.fpu.mmx(insn.src()));
    cpu.fpu.enterMmx();
  }

  public static void movq2dq(Cpu cpu, Insn insn) {
    cpu.fpu.enterMmx();
    cpu.sse.set(insn.dst(), cpu.fpu.mmx(insn.src()), 0);
  }

  public static void movdq2q(Cpu cpu, Insn insn) {
    Vectors.storeMmx(cpu, insn.dst(), cpu.sse.low(insn.src()));
  }

  public static void emms(Cpu cpu, Insn insn) {
    cpu.fpu.top = 0;
    cpu.fpu.used = 0;
  }

  // Single lanes: the number of the lane is the immediate, cut to what there is

  public static void pinsrb(Cpu cpu, Insn insn) {
    insert(cpu, insn, 1);
  }

  public static void pinsrw(Cpu cpu, Insn insn) {
    insert(cpu, insn, 2);
  }

  public static void pinsrd(Cpu cpu, Insn insn) {
    insert(cpu, insn, insn.sourceSize());
  }

  private static void insert(Cpu cpu, Insn insn, int size) {
    long value = cpu.readSrc(insn);
    int index = (int) insn.immediate() & 16 / size - 1;
    int slot = insn.dst() * 2 + index * size / 8;
    int shift = index * size % 8 * 8;
    long mask = (-1L >>> (64 - 8 * size)) << shift;
    cpu.sse.xmm[slot] = (cpu.sse.xmm[slot] & ~mask) | (value << shift & mask);
  }

  public static void pinsrwMmx(Cpu cpu, Insn insn) {
    long value = cpu.readSrc(insn);
    int shift = ((int) insn.immediate() & 3) * 16;
    long kept = cpu.fpu.mmx(insn.dst()) & ~(0xFFFFL << shift);
    Vectors.storeMmx(cpu, insn.dst(), kept | (value & 0xFFFF) << shift);
  }

  public static void pextrb(Cpu cpu, Insn insn) {
    cpu.writeDst(insn, extract(cpu, insn, 1));
  }

  public static void pextrw(Cpu cpu, Insn insn) {
    cpu.writeDst(insn, extract(cpu, insn, 2));
  }

  /** PEXTRD, PEXTRQ, EXTRACTPS. */
  public static void pextrd(Cpu cpu, Insn insn) {
    cpu.writeDst(insn, extract(cpu, insn, insn.size()));
  }

  private static long extract(Cpu cpu, Insn insn, int size) {
    int index = (int) insn.immediate() & 16 / size - 1;
    long half = cpu.sse.xmm[insn.src() * 2 + index * size / 8];
    return Cpu.zeroExtend(half >>> (index * size % 8 * 8), size);
  }

  public static void pextrwMmx(Cpu cpu, Insn insn) {
    cpu.fpu.enterMmx();
    int index = (int) insn.immediate() & 3;
    cpu.writeDst(insn, Lanes.word(cpu.fpu.mmx(insn.src()), index));
  }

  public static void insertps(Cpu cpu, Insn insn) {
    int control = (int) insn.immediate();
    int value;
    if (insn.src() == Insn.MEMORY) {
      value = cpu.memory.loadInt(cpu.address(insn, 4, false));
    } else {
      long half = cpu.sse.xmm[insn.src() * 2 + (control >>> 7 & 1)];
      value = (int) (half >>> ((control >>> 6 & 1) * 32));
    }
    cpu.sse.lane32(insn.dst(), control >>> 4 & 3, value);
    for (int lane = 0; lane < 4; lane++) {
      if ((control >>> lane & 1) != 0) {
        cpu.sse.lane32(insn.dst(), lane, 0);
      }
    }
  }
}
