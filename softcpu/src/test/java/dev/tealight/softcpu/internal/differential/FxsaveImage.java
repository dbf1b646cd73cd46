// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.differential;

import dev.tealight.softcpu.internal.cpu.Cpu;
import java.nio.ByteBuffer;

/** The 512 bytes of FXSAVE, written and read without the instruction under test. */
final class FxsaveImage {
  private FxsaveImage() {}

  static void load(Cpu cpu, ByteBuffer image, int at) {
    cpu.fpu.control = image.getShort(at) & 0xFFFF;
    cpu.fpu.statusWord(image.getShort(at + 2) & 0xFFFF);
    cpu.fpu.used = image.get(at + 4) & 0xFF;
    cpu.sse.mxcsr = image.getInt(at + 24);
    cpu.x87.updateSummary();
    for (int i = 0; i < 8; i++) {
      int physical = cpu.fpu.physical(i);
      cpu.fpu.significands[physical] = image.getLong(at + 32 + 16 * i);
      cpu.fpu.exponents[physical] = image.getShort(at + 40 + 16 * i) & 0xFFFF;
    }
    for (int i = 0; i < 32; i++) {
      cpu.sse.xmm[i] = image.getLong(at + 160 + 8 * i);
    }
  }

  static void store(Cpu cpu, ByteBuffer image, int at) {
    image.putShort(at, (short) cpu.fpu.control);
    image.putShort(at + 2, (short) cpu.fpu.statusWord());
    image.put(at + 4, (byte) cpu.fpu.used);
    image.putInt(at + 24, cpu.sse.mxcsr);
    for (int i = 0; i < 8; i++) {
      int physical = cpu.fpu.physical(i);
      image.putLong(at + 32 + 16 * i, cpu.fpu.significands[physical]);
      image.putShort(at + 40 + 16 * i, (short) cpu.fpu.exponents[physical]);
    }
    for (int i = 0; i < 32; i++) {
      image.putLong(at + 160 + 8 * i, cpu.sse.xmm[i]);
    }
  }
}
