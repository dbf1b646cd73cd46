// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The x87 and SSE registers in the form that FXSAVE64 writes (Intel SDM volume 1, table 10-2), for
 * a monitor that hands them over.
 */
public final class FxsaveArea {
  public static final int BYTE_SIZE = 512;

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final int STATUS = 2;
  private static final int TAGS = 4;
  private static final int OPCODE = 6;
  private static final int INSTRUCTION = 8;
  private static final int DATA = 16;
  private static final int MXCSR = 24;
  private static final int MXCSR_MASK = 28;
  private static final int X87 = 32;
  private static final int XMM = 160;

  private FxsaveArea() {}

  public static void load(Cpu cpu, MemorySegment area) {
    Fpu fpu = cpu.fpu;
    fpu.control = area.get(SHORT, 0) & 0xFFFF;
    fpu.statusWord(area.get(SHORT, STATUS) & 0xFFFF);
    fpu.used = area.get(ValueLayout.JAVA_BYTE, TAGS) & 0xFF;
    fpu.lastOpcode = area.get(SHORT, OPCODE) & 0x7FF;
    fpu.lastInstruction = area.get(LONG, INSTRUCTION);
    fpu.lastData = area.get(LONG, DATA);
    cpu.sse.mxcsr = area.get(INT, MXCSR) & Sse.MXCSR_MASK;
    cpu.x87.updateSummary();
    for (int i = 0; i < 8; i++) {
      int physical = fpu.physical(i);
      fpu.significands[physical] = area.get(LONG, X87 + 16 * i);
      fpu.exponents[physical] = area.get(SHORT, X87 + 16 * i + 8) & 0xFFFF;
    }
    for (int i = 0; i < cpu.sse.xmm.length; i++) {
      cpu.sse.xmm[i] = area.get(LONG, XMM + 8 * i);
    }
  }

  public static void store(Cpu cpu, MemorySegment area) {
    Fpu fpu = cpu.fpu;
    area.set(SHORT, 0, (short) fpu.control);
    area.set(SHORT, STATUS, (short) fpu.statusWord());
    area.set(ValueLayout.JAVA_BYTE, TAGS, (byte) fpu.used);
    area.set(SHORT, OPCODE, (short) fpu.lastOpcode);
    area.set(LONG, INSTRUCTION, fpu.lastInstruction);
    area.set(LONG, DATA, fpu.lastData);
    area.set(INT, MXCSR, cpu.sse.mxcsr);
    area.set(INT, MXCSR_MASK, Sse.MXCSR_MASK);
    for (int i = 0; i < 8; i++) {
      int physical = fpu.physical(i);
      area.set(LONG, X87 + 16 * i, fpu.significands[physical]);
      area.set(SHORT, X87 + 16 * i + 8, (short) fpu.exponents[physical]);
    }
    for (int i = 0; i < cpu.sse.xmm.length; i++) {
      area.set(LONG, XMM + 8 * i, cpu.sse.xmm[i]);
    }
  }
}
