// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.internal.run.ExitAllocation.Exit;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.LoggerFactory;

/** An exit allocates nothing, whatever the JVM has compiled by then. */
class ExitAllocationTest {
  private static final int EXITS = 1_000_000;
  private static final boolean NIGHTLY = "nightly".equals(System.getProperty("tealight.effort"));

  @ParameterizedTest
  @EnumSource
  void exitAllocatesNothing(Exit exit) {
    assertThat(ExitAllocation.measure(exit, EXITS)).isZero();
  }

  @Test
  @Timeout(value = 120, unit = TimeUnit.SECONDS)
  void exitAllocatesNothingWithoutTheCompilersHelp() throws Exception {
    List<String> expected = Arrays.stream(Exit.values()).map(exit -> exit + " 0").toList();

    assertThat(run("-Xint", EXITS / (NIGHTLY ? 1 : 20))).containsExactlyElementsOf(expected);
  }

  private static List<String> run(String option, int exits)
      throws IOException, InterruptedException {
    String slf4j =
        Path.of(LoggerFactory.class.getProtectionDomain().getCodeSource().getLocation().getPath())
            .toString();
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                option,
                "-cp",
                String.join(":", "target/test-classes", "target/classes", slf4j),
                ExitAllocation.class.getName(),
                String.valueOf(exits))
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isZero();
    return output.lines().toList();
  }
}
