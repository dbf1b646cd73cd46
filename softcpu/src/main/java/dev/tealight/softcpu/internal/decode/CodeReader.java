// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.decode;

import dev.tealight.softcpu.internal.cpu.Cpu;
import java.util.HexFormat;

/** Reads the bytes of one instruction through the page tables; at most 15 of them. */
public final class CodeReader {
  private static final int MAX_LENGTH = 15;
  private static final HexFormat HEX = HexFormat.of();

  private final Cpu cpu;
  private final int[] read = new int[MAX_LENGTH];
  private long start;
  private int length;
  private long page = -1;
  private long pageGpa;

  public CodeReader(Cpu cpu) {
    this.cpu = cpu;
  }

  /** Starts an instruction at {@code rip}, relative to CS. */
  void begin(long rip) {
    start = rip;
    length = 0;
    page = -1;
  }

  int length() {
    return length;
  }

  /** Returns the physical page of the last byte read. */
  long lastPage() {
    return pageGpa & -4096L;
  }

  /** Returns the bytes read so far, for messages. */
  String bytes() {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append(i == 0 ? "" : " ").append(HEX.toHexDigits((byte) read[i]));
    }
    return text.toString();
  }

  int nextByte() {
    if (length == MAX_LENGTH) {
      throw cpu.fault.protection(0);
    }
    long offset = start + length;
    if (cpu.codeBits != 64 && offset > cpu.segments.limit(1)) {
      throw cpu.fault.protection(0);
    }
    long address = cpu.codeAddress(offset);
    if ((address & -4096L) != page) {
      page = address & -4096L;
      pageGpa = cpu.memory.fetchAddress(address) & -4096L;
    }
    int value = cpu.memory.ramByte(pageGpa + (address & 4095)) & 0xFF;
    read[length++] = value;
    return value;
  }

  /** Returns the next {@code size} bytes, little-endian, sign-extended. */
  long next(int size) {
    long value = 0;
    for (int i = 0; i < size; i++) {
      value |= (long) nextByte() << (8 * i);
    }
    return Cpu.signExtend(value, size);
  }
}
