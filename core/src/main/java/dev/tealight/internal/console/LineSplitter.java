// SPDX-License-Identifier: ISC
package dev.tealight.internal.console;

import dev.tealight.Console;
import java.io.ByteArrayOutputStream;
import java.nio.charset.Charset;
import java.util.function.Consumer;

/** A console sink that cuts bytes into lines. One thread at a time. */
public final class LineSplitter implements Console.Sink {
  private static final int MAX_LINE_BYTE_SIZE = 64 * 1024;

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
      } else if (line.size() + (i - start) >= MAX_LINE_BYTE_SIZE) {
        line.write(bytes, start, i - start);
        emit();
        start = i;
      }
    }
    line.write(bytes, start, end - start);
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
