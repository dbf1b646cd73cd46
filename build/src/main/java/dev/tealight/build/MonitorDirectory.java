// SPDX-License-Identifier: ISC
package dev.tealight.build;

import dev.tealight.ConfigurationException;
import dev.tealight.launch.MonitorSettings;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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

  /** {@return the name of the unikernel} */
  public String name() {
    return settings.name();
  }

  /** {@return the options and arguments that it has without a command line} */
  public List<String> defaults() {
    List<String> defaults = new ArrayList<>();
    defaults.add("--mem=" + settings.memoryMib());
    settings
        .deadline()
        .ifPresent(
            limit ->
                defaults.add(
                    "--deadline="
                        + BigDecimal.valueOf(limit.toNanos(), 9)
                            .stripTrailingZeros()
                            .toPlainString()));
    if (!settings.ring3().isEmpty()) {
      defaults.add("--ring3=" + settings.ring3());
    }
    if (!settings.confined()) {
      defaults.add("--no-seccomp");
    }
    defaults.addAll(settings.deviceOptions());
    defaults.add(settings.image());
    defaults.addAll(settings.arguments());
    return defaults;
  }

  /** {@return SHA-256 of the image that it was built with, in hex} */
  public String imageDigest() {
    return settings.imageDigest();
  }

  /** {@return the number of files} */
  public int fileCount() {
    return files.size();
  }

  /** {@return the sum of the sizes of all files, in bytes} */
  public long byteSize() {
    return byteSize;
  }

  /**
   * A cache of the start.
   *
   * @param backend it is for
   * @param byteSize of its file
   * @param digest SHA-256 of the file, in hex
   * @param intact whether that is the digest of the cache that was recorded
   */
  public record Cache(String backend, long byteSize, String digest, boolean intact) {}

  /**
   * {@return the caches of the start, of the backends that have one}
   *
   * @throws IOException if one cannot be read
   */
  public List<Cache> caches() throws IOException {
    List<Cache> caches = new ArrayList<>();
    for (String backend : backends()) {
      Path file = folder.resolve(backend + AotCaches.SUFFIX);
      if (Files.exists(file)) {
        String digest = Digest.of(Files.readAllBytes(file));
        Path recorded = folder.resolve(backend + AotCaches.DIGEST_SUFFIX);
        boolean intact =
            Files.exists(recorded) && Files.readString(recorded).startsWith(digest + " ");
        caches.add(new Cache(backend, Files.size(file), digest, intact));
      }
    }
    return caches;
  }

  /**
   * {@return SHA-256, in hex, of all but the caches: the same for the same input}
   *
   * @throws IOException if a file cannot be read
   */
  public String digest() throws IOException {
    return Digest.of(folder, files.stream().filter(file -> !isOfCache(file)).toList());
  }

  private boolean isOfCache(Path file) {
    return backends().stream()
        .map(folder::resolve)
        .anyMatch(
            prefix ->
                file.toString().equals(prefix + AotCaches.SUFFIX)
                    || file.toString().equals(prefix + AotCaches.DIGEST_SUFFIX));
  }

  /**
   * {@return whether the image is the one that it was built with}
   *
   * @throws IOException if the image cannot be read
   */
  public boolean isImageIntact() throws IOException {
    return Digest.of(Files.readAllBytes(folder.resolve(settings.image())))
        .equals(settings.imageDigest());
  }
}
