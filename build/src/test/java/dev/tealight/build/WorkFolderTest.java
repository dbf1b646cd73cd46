// SPDX-License-Identifier: ISC
package dev.tealight.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which folders that builds have left behind are removed. */
class WorkFolderTest {
  @TempDir Path folder;
  private final List<String> lines = new ArrayList<>();

  private WorkFolder create() throws IOException {
    return WorkFolder.beside(folder.resolve("web"), lines::add);
  }

  /** What a build leaves that is killed while it links. */
  private Path leftover(String name) throws IOException {
    Path leftover = folder.resolve(name);
    Path runtime = Files.createDirectories(leftover.resolve("monitor").resolve("runtime"));
    Files.writeString(runtime.resolve("release"), "content");
    Files.createFile(leftover.resolve("lock"));
    return leftover;
  }

  @Test
  void nothingIsLeftOfOneThatIsClosed() throws IOException {
    try (WorkFolder work = create()) {
      assertThat(Files.createDirectory(work.monitor())).startsWith(folder);
      Files.createDirectory(work.scratch());
    }
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void leftoverOfTheSameTargetIsRemoved() throws IOException {
    Path leftover = leftover(".tealight-build-web-123");
    create().close();
    assertThat(leftover).doesNotExist();
    assertThat(lines).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {".tealight-build-web-1-123", ".tealight-build-we-123", "web-123"})
  void folderThatIsNotOfTheTargetStays(String name) throws IOException {
    Path other = leftover(name);
    create().close();
    assertThat(other).exists();
  }

  @Test
  void folderWithoutALockStays() throws IOException {
    Path other = leftover(".tealight-build-web-123");
    Files.delete(other.resolve("lock"));
    create().close();
    assertThat(other).exists();
  }

  @Test
  void folderOfABuildInThisProcessStays() throws IOException {
    try (WorkFolder first = create()) {
      Files.createDirectory(first.monitor());
      create().close();
      assertThat(first.monitor()).exists();
    }
  }

  @Test
  void folderOfAnotherProcessStaysUntilThatIsKilled() throws Exception {
    Path other = leftover(".tealight-build-web-123");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                Path.of("target", "test-classes").toString(),
                LockHolder.class.getName(),
                other.resolve("lock").toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      assertThat(process.inputReader().readLine()).isEqualTo("locked");
      create().close();
      assertThat(other).exists();
    } finally {
      process.destroyForcibly().waitFor();
    }
    create().close();
    assertThat(other).doesNotExist();
  }
}
