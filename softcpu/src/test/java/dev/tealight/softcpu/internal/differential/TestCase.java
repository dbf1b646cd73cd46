// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.differential;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** Registers, one page of data and some code; laid out as the native runner reads it. */
final class TestCase {
  static final long CODE_ADDRESS = 0x1000_0000L;
  static final long DATA_ADDRESS = 0x2000_0000L;
  static final int CODE_SIZE = 256;
  static final int PAGE = 4096;
  private static final int BREAKPOINT = 3;
  static final int FXSAVE_SIZE = 512;
  static final int BYTE_SIZE = 16 * 8 + 8 + FXSAVE_SIZE + CODE_SIZE + PAGE;

  private static final int RFLAGS_AT = 128;
  private static final int FXSAVE_AT = 136;
  private static final int CODE_AT = FXSAVE_AT + FXSAVE_SIZE;
  private static final int DATA_AT = CODE_AT + CODE_SIZE;

  private final byte[] bytes = new byte[BYTE_SIZE];
  final ByteBuffer view = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  private int codeLength;

  /** Start and end of each instruction that a smaller case may do without. */
  private final List<int[]> instructions = new ArrayList<>();

  /** Flags that the last instructions leave undefined. */
  int undefinedFlags;

  /** Flags that any of them leaves undefined: a fault may have ended the case there. */
  int everUndefinedFlags;

  byte[] bytes() {
    return bytes;
  }

  long gpr(int number) {
    return view.getLong(number * 8);
  }

  void gpr(int number, long value) {
    view.putLong(number * 8, value);
  }

  long rflags() {
    return view.getLong(RFLAGS_AT);
  }

  void rflags(long value) {
    view.putLong(RFLAGS_AT, value);
  }

  int fxsaveAt() {
    return FXSAVE_AT;
  }

  int codeAt() {
    return CODE_AT;
  }

  int dataAt() {
    return DATA_AT;
  }

  int codeLength() {
    return codeLength;
  }

  boolean hasRoom(int length) {
    return codeLength + length < CODE_SIZE - 16;
  }

  void emit(int... code) {
    for (int value : code) {
      view.put(CODE_AT + codeLength++, (byte) value);
    }
  }

  void beginInstruction() {
    instructions.add(new int[] {codeLength, codeLength});
  }

  void endInstruction() {
    instructions.getLast()[1] = codeLength;
  }

  int instructionCount() {
    return instructions.size();
  }

  /**
   * Returns the case with NOPs in place of an instruction. It may have been the one that defined
   * what others leave undefined.
   */
  TestCase without(int index) {
    TestCase copy = new TestCase();
    System.arraycopy(bytes, 0, copy.bytes, 0, BYTE_SIZE);
    copy.codeLength = codeLength;
    copy.instructions.addAll(instructions);
    copy.undefinedFlags = everUndefinedFlags;
    copy.everUndefinedFlags = everUndefinedFlags;
    int[] range = instructions.get(index);
    for (int at = range[0]; at < range[1]; at++) {
      copy.patch(at, 0x90);
    }
    return copy;
  }

  /** Replaces a byte of the code. */
  void patch(int index, int value) {
    view.put(CODE_AT + index, (byte) value);
  }

  /** Ends the code with INT3. */
  void finish() {
    while (codeLength < CODE_SIZE) {
      emit(0xCC);
    }
  }

  /** Returns the flags that may be anything when the case ended with {@code vector}. */
  int undefinedFlagsAt(int vector) {
    return vector == BREAKPOINT ? undefinedFlags : everUndefinedFlags;
  }

  String code() {
    int end = CODE_SIZE;
    while (end > 1 && bytes[CODE_AT + end - 1] == (byte) 0xCC) {
      end--;
    }
    return HexFormat.of().formatHex(bytes, CODE_AT, CODE_AT + end);
  }
}
