// SPDX-License-Identifier: ISC
package dev.tealight.build;

import dev.tealight.ConfigurationException;
import dev.tealight.launch.MonitorSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** What is done with whole folders. */
final class Folders {
  private Folders() {}

  /** {@return all files below a folder, links among them, by their names relative to it} */
  static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(path -> !Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS))
          .sorted(Comparator.comparing(path -> folder.relativize(path).toString()))
          .toList();
    }
  }

  /**
   * Refuses to replace what is no built monitor.
   *
   * @param folder which may be missing or empty
   * @throws ConfigurationException if it holds something else
   */
  static void refuseForeign(Path folder) throws IOException {
    if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)
        || Files.exists(folder.resolve(MonitorSettings.FILE))) {
      return;
    }
    boolean empty = false;
    if (Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      try (Stream<Path> content = Files.list(folder)) {
        empty = content.findAny().isEmpty();
      }
    }
    if (!empty) {
      throw new ConfigurationException(
          "%s exists and is no built monitor: give another folder, or remove it".formatted(folder));
    }
  }

  /** Deletes a folder with all that is in it, or does nothing if it is missing. */
  static void delete(Path folder) throws IOException {
    if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    List<Path> all;
    try (Stream<Path> walk = Files.walk(folder)) {
      all = new ArrayList<>(walk.toList());
    }
    // What is inside comes first.
    for (Path path : all.reversed()) {
      Files.delete(path);
    }
  }
}
