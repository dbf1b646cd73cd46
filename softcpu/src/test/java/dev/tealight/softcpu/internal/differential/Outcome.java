// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.differential;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** What a case ended with; laid out as the native runner writes it. */
final class Outcome {
  private static final int FXSAVE_AT = 21 * 8;
  private static final int DATA_AT = FXSAVE_AT + TestCase.FXSAVE_SIZE;
  static final int BYTE_SIZE = DATA_AT + TestCase.PAGE;

  private static final int PAGE_FAULT = 14;
  private static final int COMPARED_FLAGS = 0xCD5; // arithmetic flags and DF

  final byte[] bytes = new byte[BYTE_SIZE];
  final ByteBuffer view = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);

  long gpr(int number) {
    return view.getLong(number * 8);
  }

  long rflags() {
    return view.getLong(128);
  }

  long rip() {
    return view.getLong(136);
  }

  int vector() {
    return (int) view.getLong(144);
  }

  int errorCode() {
    return (int) view.getLong(152);
  }

  long address() {
    return view.getLong(160);
  }

  void set(int slot, long value) {
    view.putLong(slot * 8, value);
  }

  int fxsaveAt() {
    return FXSAVE_AT;
  }

  int dataAt() {
    return DATA_AT;
  }

  /** Returns the first difference to what the processor did, or the empty string. */
  String differenceTo(Outcome expected, int undefinedFlags) {
    StringBuilder text = new StringBuilder();
    compare(text, "vector", expected.vector(), vector());
    compare(text, "rip", expected.rip(), rip());
    for (int i = 0; i < 16; i++) {
      compare(text, "r" + i, expected.gpr(i), gpr(i));
    }
    long mask = COMPARED_FLAGS & ~undefinedFlags;
    compare(text, "flags", expected.rflags() & mask, rflags() & mask);
    if (expected.vector() == PAGE_FAULT) {
      compare(text, "error code", expected.errorCode(), errorCode());
      compare(text, "address", expected.address(), address());
    }
    compareFxsave(text, expected);
    for (int i = 0; i < TestCase.PAGE; i += 8) {
      compare(text, "data+" + i, expected.view.getLong(DATA_AT + i), view.getLong(DATA_AT + i));
    }
    return text.toString();
  }

  private void compareFxsave(StringBuilder text, Outcome expected) {
    compare(text, "fcw/fsw", expected.word32(0), word32(0));
    compare(text, "ftw", expected.view.get(FXSAVE_AT + 4), view.get(FXSAVE_AT + 4));
    compare(text, "mxcsr", expected.word32(24), word32(24));
    for (int i = 0; i < 8; i++) {
      int at = FXSAVE_AT + 32 + 16 * i;
      compare(text, "st" + i, expected.view.getLong(at), view.getLong(at));
      compare(text, "st" + i + " exponent", expected.view.getShort(at + 8), view.getShort(at + 8));
    }
    for (int i = 0; i < 32; i++) {
      int at = FXSAVE_AT + 160 + 8 * i;
      String name = "xmm" + i / 2 + (i % 2 == 0 ? " low" : " high");
      compare(text, name, expected.view.getLong(at), view.getLong(at));
    }
  }

  private long word32(int offset) {
    return view.getInt(FXSAVE_AT + offset) & 0xFFFF_FFFFL;
  }

  private static void compare(StringBuilder text, String name, long expected, long found) {
    if (expected != found) {
      text.append(name)
          .append(" 0x")
          .append(Long.toHexString(found))
          .append(", processor 0x")
          .append(Long.toHexString(expected))
          .append("; ");
    }
  }
}
