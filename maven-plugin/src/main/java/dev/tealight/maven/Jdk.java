// SPDX-License-Identifier: ISC
package dev.tealight.maven;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.maven.plugin.MojoExecutionException;

/**
 * A JDK that may be able to build monitors.
 *
 * @param source where it was looked for, for messages
 * @param home its folder, or empty if there is none there
 */
record Jdk(String source, Optional<Path> home) {
  private static final int OLDEST = 25;

  /**
   * Chooses one.
   *
   * @param candidates in the order of preference
   * @return the home of the first that is a JDK, and new enough
   * @throws MojoExecutionException if none is; says of each why not
   */
  static Path choose(List<Jdk> candidates) throws MojoExecutionException {
    for (Jdk candidate : candidates) {
      if (candidate.problem().isEmpty()) {
        return candidate.home().orElseThrow();
      }
    }
    throw new MojoExecutionException(
        "no JDK %d or newer was found to build monitors with (%s): name one by the parameter jdk, by a toolchain of type jdk, or by JAVA25_HOME"
            .formatted(
                OLDEST,
                candidates.stream()
                    .map(candidate -> candidate.source() + ": " + candidate.problem())
                    .collect(Collectors.joining("; "))));
  }

  /** {@return why it cannot be used, or an empty text} */
  private String problem() {
    if (home.isEmpty()) {
      return "none";
    }
    Path folder = home.get();
    String version;
    try {
      version =
          Files.readAllLines(folder.resolve("release")).stream()
              .filter(line -> line.startsWith("JAVA_VERSION="))
              .map(line -> line.substring("JAVA_VERSION=".length()).replace("\"", ""))
              .findFirst()
              .orElse("");
    } catch (IOException e) {
      return "%s is no JDK, it has no file release".formatted(folder);
    }
    if (feature(version) < OLDEST) {
      return "%s is version %s".formatted(folder, version);
    }
    if (!Files.isExecutable(folder.resolve("bin").resolve("jlink"))) {
      return "%s is no JDK, it has no jlink".formatted(folder);
    }
    return "";
  }

  /** {@return 17 of 17.0.9, 1 of 1.8.0_392, and 0 of what is no version} */
  private static int feature(String version) {
    String digits = version.replaceFirst("[^0-9].*", "");
    return digits.isEmpty() || digits.length() > 4 ? 0 : Integer.parseInt(digits);
  }
}
