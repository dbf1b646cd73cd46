// SPDX-License-Identifier: ISC
package dev.tealight.internal.console;

import dev.tealight.Console;
import java.io.ByteArrayOutputStream;
import java.nio.charset.Charset;
import java.util.function.Consumer;

/** A console sink that cuts bytes into lines. One thread at a time. */
public final class LineSplitter implements Console.Sink {
  private static final int MAX_LINE_BYTE_SIZE = 64 * 1024;

  /** Bytes that follow the first one of a character of UTF-8, at most. */
  private static final int MAX_CONTINUATION_BYTE_SIZE = 3;

  private final Charset charset;
  private final Consumer<String> listener;
  private final ByteArrayOutputStream line = new ByteArrayOutputStream();

  /**
   * Creates one.
   *
   * @param charset of the text; malformed bytes become replacement characters
   * @param listener gets each line
   */
  public LineSplitter(Charset charset, Consumer<String> listener) {
    this.charset = charset;
    this.listener = listener;
  }

  @Override
  public void write(byte[] bytes, int offset, int length) {
    int start = offset;
    int end = offset + length;
    for (int i = offset; i < end; i++) {
      if (bytes[i] == '\n') {
        line.write(bytes, start, i - start);
        emit();
        start = i + 1;
      } else if (isPieceFull(line.size() + (i - start), bytes[i])) {
        line.write(bytes, start, i - start);
        emit();
        start = i;
      }
    }
    line.write(bytes, start, end - start);
  }

  /** A piece ends before the first byte of a character, if the guest sends characters at all. */
  private static boolean isPieceFull(int byteSize, byte next) {
    boolean continues = (next & 0xc0) == 0x80;
    return byteSize >= MAX_LINE_BYTE_SIZE + (continues ? MAX_CONTINUATION_BYTE_SIZE : 0);
  }

  /** Hands over an unfinished line. */
  public void finish() {
    if (line.size() > 0) {
      emit();
    }
  }

  private void emit() {
    String text = line.toString(charset);
    line.reset();
    listener.accept(text.endsWith("\r") ? text.substring(0, text.length() - 1) : text);
  }
}
