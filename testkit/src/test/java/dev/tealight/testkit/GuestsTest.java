// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tealight.Image;
import dev.tealight.solo5.Solo5Hvt;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The guest programs that ship are those of the sources, and images that core reads. */
class GuestsTest {
  private static final Path SOURCES = Path.of("guests");
  private static final int NO_COMPILER = 3;

  static List<String> programs() throws IOException {
    try (Stream<Path> files = Files.list(SOURCES.resolve("programs"))) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(file -> file.endsWith(".c") || file.endsWith(".S"))
          .map(file -> file.substring(0, file.length() - 2))
          .sorted()
          .toList();
    }
  }

  @ParameterizedTest
  @MethodSource("programs")
  void everyProgramShipsAsAnImage(String program) {
    try (Image image = Image.of(program, Guests.image(program))) {
      assertThat(Solo5Hvt.PROTOCOL.open(image).devices()).isNotNull();
    }
  }

  @Test
  void unknownProgramIsRefusedByName() {
    assertThatThrownBy(() -> Guests.image("goodbye"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("there is no guest program goodbye: testkit/guests/README.md lists them");
  }

  @Test
  void copyHasTheImagesNameAndBytes(@TempDir Path folder) throws IOException {
    Path copy = Guests.copyTo(folder, "hello");
    assertThat(copy).isEqualTo(folder.resolve("hello.hvt")).hasBinaryContent(Guests.image("hello"));
  }

  @Test
  @Timeout(300)
  void shippedImagesAreThoseOfTheSources(@TempDir Path folder)
      throws IOException, InterruptedException {
    Path output = folder.resolve("output");
    Process check =
        new ProcessBuilder(SOURCES.resolve("build.sh").toAbsolutePath().toString(), "--check")
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertThat(check.waitFor(5, TimeUnit.MINUTES)).isTrue();
    String said = Files.readString(output).strip();
    assumeTrue(check.exitValue() != NO_COMPILER, said);
    assertThat(check.exitValue()).as(said).isZero();
  }
}
