// SPDX-License-Identifier: ISC
package dev.tealight.internal.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A guest's bytes as lines. */
class LineSplitterTest {
  private static final int PIECE = 64 * 1024;

  private final List<String> lines = new ArrayList<>();
  private final LineSplitter splitter = new LineSplitter(StandardCharsets.UTF_8, lines::add);

  private void write(byte[] bytes) {
    splitter.write(bytes, 0, bytes.length);
  }

  @Test
  void longLineIsNotCutInsideACharacter() {
    String first = "a".repeat(PIECE - 1) + "\u20ac"; // three bytes, one of them in the piece
    write((first + "b\n").getBytes(StandardCharsets.UTF_8));
    assertThat(lines).containsExactly(first, "b");
  }

  @Test
  void bytesThatAreNoTextAreCutAllTheSame() {
    byte[] bytes = new byte[3 * PIECE];
    Arrays.fill(bytes, (byte) 0x80);
    write(bytes);
    splitter.finish();
    assertThat(lines).hasSize(3).allSatisfy(line -> assertThat(line).hasSizeBetween(1, PIECE + 3));
  }
}
