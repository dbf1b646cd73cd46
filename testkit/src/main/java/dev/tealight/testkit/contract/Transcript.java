// SPDX-License-Identifier: ISC

package dev.tealight.testkit.contract;

import dev.tealight.Console;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** What a guest printed, byte by byte. Of an endless output, the first MiB. */
final class Transcript implements Console.Sink {
  private static final int LIMIT = 1 << 20;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  @Override
  public synchronized void write(byte[] source, int offset, int length) {
    bytes.write(source, offset, Math.min(length, LIMIT - bytes.size()));
    notifyAll();
  }

  synchronized String text() {
    return bytes.toString(StandardCharsets.ISO_8859_1);
  }

  synchronized void awaitText(String text, Duration limit) throws InterruptedException {
    long deadline = System.nanoTime() + limit.toNanos();
    while (!text().contains(text)) {
      long millis = (deadline - System.nanoTime()) / 1_000_000;
      if (millis <= 0) {
        throw new AssertionError("no '%s' within %s in:\n%s".formatted(text, limit, text()));
      }
      wait(millis);
    }
  }
}
