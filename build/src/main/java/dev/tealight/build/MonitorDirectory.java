// SPDX-License-Identifier: ISC
package dev.tealight.build;

import dev.tealight.ConfigurationException;
import dev.tealight.launch.MonitorSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** A monitor that was built, as files. Immutable; tells what it found when it was opened. */
public final class MonitorDirectory {
  private final Path folder;
  private final MonitorSettings settings;
  private final List<String> modules;
  private final List<Path> files;
  private final long byteSize;

  private MonitorDirectory(
      Path folder, MonitorSettings settings, List<String> modules, List<Path> files)
      throws IOException {
    this.folder = folder;
    this.settings = settings;
    this.modules = modules;
    this.files = files;
    long sum = 0;
    for (Path file : files) {
      sum += Files.size(file);
    }
    this.byteSize = sum;
  }

  /**
   * Opens one.
   *
   * @param folder where it was built, or moved or copied to
   * @return what is there
   * @throws ConfigurationException if it is no built monitor, or a damaged one
   * @throws IOException if it cannot be read
   */
  public static MonitorDirectory open(Path folder) throws IOException {
    if (!Files.exists(folder.resolve(MonitorSettings.FILE))) {
      throw new ConfigurationException(
          "%s is no built monitor: it has no %s".formatted(folder, MonitorSettings.FILE));
    }
    return new MonitorDirectory(
        folder,
        MonitorSettings.read(folder),
        modules(folder.resolve("runtime").resolve("release")),
        Folders.files(folder));
  }

  private static List<String> modules(Path release) throws IOException {
    for (String line : Files.readAllLines(release)) {
      if (line.startsWith("MODULES=")) {
        return Arrays.stream(line.substring("MODULES=".length()).replace("\"", "").split(" "))
            .sorted()
            .toList();
      }
    }
    throw new ConfigurationException("%s names no modules: it is damaged".formatted(release));
  }

  /** {@return the file to be started} */
  public Path launcher() {
    return folder.resolve(settings.name());
  }

  /** {@return the names of all modules in it, those of the JDK included, sorted} */
  public List<String> modules() {
    return modules;
  }

  /** {@return the names of the backends in it} */
  public List<String> backends() {
    return settings.backends();
  }

  /** {@return the number of files} */
  public int fileCount() {
    return files.size();
  }

  /** {@return the sum of the sizes of all files, in bytes} */
  public long byteSize() {
    return byteSize;
  }
}
