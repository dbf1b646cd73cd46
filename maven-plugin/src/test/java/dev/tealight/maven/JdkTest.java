// SPDX-License-Identifier: ISC
package dev.tealight.maven;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.maven.plugin.MojoExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which JDK is taken, and what is said if there is none. */
class JdkTest {
  @TempDir Path folder;

  private Jdk jdk(String name, String version) throws IOException {
    Path home = folder.resolve(name);
    Path jlink = Files.createDirectories(home.resolve("bin")).resolve("jlink");
    assertThat(Files.createFile(jlink).toFile().setExecutable(true)).isTrue();
    Files.writeString(home.resolve("release"), "JAVA_VERSION=\"%s\"\n".formatted(version));
    return new Jdk("source " + name, Optional.of(home));
  }

  @ParameterizedTest
  @ValueSource(strings = {"25", "25.0.1", "25-ea", "26.0.2", "100"})
  void firstThatIsNewEnoughIsTaken(String version) throws Exception {
    List<Jdk> candidates =
        List.of(
            new Jdk("a", Optional.empty()), jdk("b", "17.0.9"), jdk("c", version), jdk("d", "25"));
    assertThat(Jdk.choose(candidates)).isEqualTo(folder.resolve("c"));
  }

  @Test
  void whyNoneWillDoIsSaidOfEach() throws Exception {
    Path runtime = jdk("runtime", "25").home().orElseThrow();
    Files.delete(runtime.resolve("bin").resolve("jlink"));
    List<Jdk> candidates =
        List.of(
            new Jdk("toolchain", Optional.empty()),
            jdk("old", "1.8.0_392"),
            jdk("odd", "x"),
            new Jdk("runtime", Optional.of(runtime)),
            new Jdk("folder", Optional.of(folder)));
    assertThatThrownBy(() -> Jdk.choose(candidates))
        .isInstanceOf(MojoExecutionException.class)
        .hasMessage(
            "no JDK 25 or newer was found to build monitors with (toolchain: none; source old: %1$s/old is version 1.8.0_392; source odd: %1$s/odd is version x; runtime: %1$s/runtime is no JDK, it has no jlink; folder: %1$s is no JDK, it has no file release): name one by the parameter jdk, by a toolchain of type jdk, or by JAVA25_HOME"
                .formatted(folder));
  }
}
