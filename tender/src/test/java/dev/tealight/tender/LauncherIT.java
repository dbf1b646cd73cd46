// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tealight.tender.TenderProcess.Result;
import dev.tealight.testkit.Guests;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The script {@code tealight}, in a copy of what it needs of the source tree. */
@Timeout(120)
class LauncherIT {
  private static final Path SHELL = Path.of("/bin/sh");

  @TempDir Path folder;
  private Path root;
  private Path older;

  @BeforeEach
  void copyTheTree() throws IOException {
    assumeTrue(Files.isExecutable(SHELL), "needs /bin/sh");
    root = folder.resolve("a tree");
    copy(Path.of("..", "tealight"), root.resolve("tealight"));
    Path target = root.resolve("tender/target");
    copy(TenderProcess.jar(), target.resolve(TenderProcess.jar().getFileName()));
    try (Stream<Path> libraries = Files.list(TenderProcess.TARGET.resolve("lib"))) {
      for (Path library : libraries.toList()) {
        copy(library, target.resolve("lib").resolve(library.getFileName()));
      }
    }
    Path guests = root.resolve("testkit/src/main/resources/dev/tealight/testkit/guests");
    Guests.copyTo(Files.createDirectories(guests), "hello");
    older = folder.resolve("older");
    Path java = Files.createDirectories(older.resolve("bin")).resolve("java");
    Files.writeString(java, "#!/bin/sh\nexit 99\n");
    assertThat(java.toFile().setExecutable(true)).isTrue();
    Files.writeString(older.resolve("release"), "JAVA_VERSION=\"17.0.9\"\n");
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to.getParent());
    Files.copy(from, to);
  }

  /** Starts it where an older Java is the default, both in the environment and on the path. */
  private Result launch(Path script, String... words) throws Exception {
    return launch(Map.of("JAVA25_HOME", System.getProperty("java.home")), script, words);
  }

  private Result launch(Map<String, String> more, Path script, String... words) throws Exception {
    List<String> command = new ArrayList<>(List.of(SHELL.toString(), script.toString()));
    command.addAll(List.of(words));
    ProcessBuilder builder = new ProcessBuilder(command);
    Map<String, String> environment = builder.environment();
    environment.put("JAVA_HOME", older.toString());
    environment.remove("JAVA25_HOME");
    environment.putAll(more);
    environment.put("PATH", older.resolve("bin") + ":" + environment.get("PATH"));
    return TenderProcess.finish(builder.start());
  }

  @Test
  void newerJavaIsFoundBesideAnOlderDefaultAndRemembered() throws Exception {
    Path script = root.resolve("tealight");
    Result first = launch(script, "--version");
    assertThat(first.status()).as(first.err()).isZero();
    assertThat(first.out()).startsWith("tealight ");
    assertThat(first.err()).isEqualTo("tealight: preparing fast starts\n");
    Result second = launch(script, "--version");
    assertThat(second).isEqualTo(new Result(0, first.out(), ""));
    assertThat(root.resolve("tender/target/launcher.java"))
        .hasContent(Path.of(System.getProperty("java.home"), "bin", "java").toString());
  }

  @Test
  void buildIsToldOfTheJavaThatWasFound() throws Exception {
    Files.delete(root.resolve("tender/target").resolve(TenderProcess.jar().getFileName()));
    Path maven = older.resolve("bin/mvn");
    Files.writeString(maven, "#!/bin/sh\necho \"$JAVA25_HOME in $PWD\"\nexit 1\n");
    assertThat(maven.toFile().setExecutable(true)).isTrue();
    String home = System.getProperty("java.home");
    Result result = launch(Map.of("JAVA_HOME", home), root.resolve("tealight"));
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.out()).as("Maven's words are no output of a guest").isEmpty();
    assertThat(result.err()).endsWith("\n%s in %s\n".formatted(home, root.toRealPath()));
  }

  @Test
  void statusAndOutputAreTheGuestsAlsoThroughALink() throws Exception {
    Path guest = Guests.copyTo(folder, "status");
    Path link = Files.createSymbolicLink(folder.resolve("link"), root.resolve("tealight"));
    Result result = launch(link, "--mem=16", guest.toString(), "42");
    assertThat(result.status()).as(result.err()).isEqualTo(42);
    assertThat(launch(link, "nothing").status()).isEqualTo(1);
  }
}
