// SPDX-License-Identifier: ISC
package dev.tealight.build;

import dev.tealight.ConfigurationException;
import dev.tealight.build.MonitorPlan.LinkedModule;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Links Java runtimes with the {@code jlink} of the JDK that runs this program. */
final class Jlink {
  /** Tools, what only they and TLS use, and a library that sorts large arrays. */
  private static final String UNUSED =
      String.join(
          ",",
          "**/bin/keytool",
          "**/lib/classlist",
          "**/lib/security/cacerts",
          "**/lib/security/public_suffix_list.dat",
          "**/lib/libsimdsort.so");

  private static final String METHOD_HANDLES = "method-handles.trace";

  private static final Duration TIMEOUT = Duration.ofMinutes(10);

  private final Path home = Path.of(System.getProperty("java.home"));
  private final Optional<Path> jmods;
  private final Consumer<String> progress;

  Jlink(Optional<Path> jmods, Consumer<String> progress) {
    this.jmods = jmods;
    this.progress = progress;
  }

  /**
   * Links a runtime.
   *
   * @param plan names the modules
   * @param modules where those are which are not the JDK's
   * @param runtime folder to be created
   * @param scratch folder for files that are not needed afterwards
   * @throws ConfigurationException if there is no {@code jlink}, or there are no jmods where they
   *     should be
   * @throws IOException if it fails; says what {@code jlink} said
   */
  void link(MonitorPlan plan, Path[] modules, Path runtime, Path scratch)
      throws IOException, InterruptedException {
    Path jlink = home.resolve("bin").resolve("jlink");
    if (!Files.isExecutable(jlink)) {
      throw new ConfigurationException(
          "there is no jlink in %s: run this with a JDK instead of a runtime made of one"
              .formatted(home));
    }
    Path methodHandles = scratch.resolve(METHOD_HANDLES);
    try (InputStream content = Jlink.class.getResourceAsStream(METHOD_HANDLES)) {
      Files.copy(Objects.requireNonNull(content), methodHandles);
    }
    String names = plan.modules().stream().map(LinkedModule::name).collect(Collectors.joining(","));
    progress.accept("linking %d modules %s".formatted(plan.modules().size(), source()));
    List<Path> path = new ArrayList<>();
    jmods.ifPresent(path::add);
    path.addAll(Arrays.asList(modules));
    List<String> command =
        List.of(
            jlink.toString(),
            // It is over before the second tier of the compiler has paid off: half the work.
            "-J-XX:+UseSerialGC",
            "-J-XX:TieredStopAtLevel=1",
            "--module-path",
            path.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator)),
            "--add-modules",
            names,
            "--output",
            runtime.toString(),
            "--strip-debug",
            "--no-header-files",
            "--no-man-pages",
            "--compress=zip-6",
            "--generate-jli-classes=@" + methodHandles,
            "--exclude-files=" + UNUSED);
    Path output = scratch.resolve("jlink.output");
    int status = Program.run(command, output, TIMEOUT);
    if (status != 0) {
      throw new IOException(
          "jlink failed with status %d: %s".formatted(status, Files.readString(output).strip()));
    }
  }

  private String source() throws IOException {
    if (jmods.isPresent()) {
      Path folder = jmods.get();
      if (!Files.exists(folder.resolve("java.base.jmod"))) {
        throw new ConfigurationException(
            "there is no java.base.jmod in %s: give the folder jmods of a JDK".formatted(folder));
      }
      return "from " + folder;
    }
    Path own = home.resolve("jmods");
    if (Files.isDirectory(own)) {
      try (Stream<Path> content = Files.list(own)) {
        if (content.findAny().isPresent()) {
          return "from " + own;
        }
      }
    }
    return "from the runtime of %s itself, which has no jmods: for this platform only (%s, %s)"
        .formatted(home, System.getProperty("os.name"), System.getProperty("os.arch"));
  }
}
