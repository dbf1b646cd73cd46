// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * What this process holds of its host, for tests of leaks.
 *
 * @param descriptors open file descriptors
 * @param mappings mapped ranges of addresses
 * @param threads threads, the JVM's own included
 */
public record HostResources(int descriptors, int mappings, int threads) {
  private static final Path PROCESS = Path.of("/proc/self");
  private static final int ATTEMPTS = 50;

  /** {@return whether this host tells: Linux does} */
  public static boolean isKnown() {
    return Files.isReadable(PROCESS.resolve("maps"));
  }

  /**
   * {@return what is held now}
   *
   * @throws IllegalStateException if this host does not tell
   */
  public static HostResources now() {
    if (!isKnown()) {
      throw new IllegalStateException("this host has no /proc/self: ask isKnown() first");
    }
    return new HostResources(
        count(PROCESS.resolve("fd")),
        lines(PROCESS.resolve("maps")),
        count(PROCESS.resolve("task")));
  }

  /**
   * Runs something many times and checks that it leaves nothing behind. The JVM opens, maps and
   * starts things of its own at any time, so the check is that after the warm-up some number of
   * rounds, repeated a few times if need be, adds less than one thing in two rounds.
   *
   * @param warmUp rounds before counting, for what is made once
   * @param rounds rounds to count, at least 20
   * @param round what is to leave nothing behind
   * @throws AssertionError if it does; gives the counts
   */
  public static void assertNothingLeftBy(int warmUp, int rounds, Runnable round) {
    repeat(warmUp, round);
    HostResources before = now();
    HostResources after = before;
    for (int attempt = 0; attempt < 3; attempt++) {
      before = now();
      repeat(rounds, round);
      after = settled(before);
      if (!after.exceeds(before, rounds / 2)) {
        return;
      }
    }
    throw new AssertionError(
        "%d rounds left something behind: before %s, after %s".formatted(rounds, before, after));
  }

  private static void repeat(int rounds, Runnable round) {
    for (int i = 0; i < rounds; i++) {
      round.run();
    }
  }

  /** Threads that have been joined are still listed for a moment. */
  private static HostResources settled(HostResources before) {
    HostResources now = now();
    for (int i = 0; i < ATTEMPTS && now.exceeds(before, 0); i++) {
      try {
        Thread.sleep(2);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return now;
      }
      now = now();
    }
    return now;
  }

  private boolean exceeds(HostResources other, int tolerance) {
    return descriptors > other.descriptors + tolerance
        || mappings > other.mappings + tolerance
        || threads > other.threads + tolerance;
  }

  private static int count(Path folder) {
    try (Stream<Path> entries = Files.list(folder)) {
      return (int) entries.count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static int lines(Path file) {
    try (Stream<String> lines = Files.lines(file, StandardCharsets.ISO_8859_1)) {
      return (int) lines.count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
