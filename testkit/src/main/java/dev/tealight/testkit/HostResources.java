// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * What this process holds of its host, for tests of leaks.
 *
 * @param descriptors open file descriptors
 * @param mappings mapped ranges of addresses that are not the JVM's own: those of a descriptor of
 *     the kernel, and those that a forked child does not get, as guest memory is
 * @param threads threads, the JVM's own included
 * @param residentByteSize memory that is in use, the JVM's own included
 */
public record HostResources(int descriptors, int mappings, int threads, long residentByteSize) {
  private static final Path PROCESS = Path.of("/proc/self");
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** Among the flags of a mapping: a forked child does not get it. */
  private static final String NOT_COPIED = " dc";

  /** {@return whether this host tells: Linux does} */
  public static boolean isKnown() {
    return Files.isReadable(PROCESS.resolve("smaps"));
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
        countMappings(),
        count(PROCESS.resolve("task")),
        readResidentByteSize());
  }

  /**
   * Runs something many times and checks that it leaves nothing behind: descriptors, mappings and
   * threads are as many after the rounds as before. The JVM opens and starts things of its own at
   * any time, so the rounds are repeated a few times if need be.
   *
   * @param warmUp rounds before counting, for what is made once
   * @param rounds rounds to count
   * @param round what is to leave nothing behind
   * @throws AssertionError if it does; gives the counts
   */
  public static void assertNothingLeftBy(int warmUp, int rounds, Runnable round) {
    repeat(warmUp, round);
    assertNothingLeftBy(rounds, Long.MAX_VALUE, round);
  }

  /**
   * Also checks that resident memory does not grow, beyond what {@link #assertNothingLeftBy(int,
   * int, Runnable)} checks. The heap of the JVM grows to its size first, so it takes many rounds.
   *
   * @param warmUp rounds before counting, for what is made once
   * @param rounds rounds to count, some thousands at least
   * @param byteSizePerRound below which resident memory grows in each round
   * @param round what is to leave nothing behind
   * @throws AssertionError if it does; gives the counts
   */
  public static void assertNothingLeftBy(
      int warmUp, int rounds, int byteSizePerRound, Runnable round) {
    repeat(warmUp, round);
    assertNothingLeftBy(rounds, (long) rounds * byteSizePerRound, round);
  }

  private static void assertNothingLeftBy(int rounds, long byteSize, Runnable round) {
    HostResources before = now();
    HostResources after = before;
    for (int attempt = 0; attempt < 5; attempt++) {
      before = now();
      repeat(rounds, round);
      after = settled(before);
      if (!after.exceeds(before) && after.residentByteSize - before.residentByteSize < byteSize) {
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

  /**
   * Waits for threads to go: those that have been joined are listed until the host has ended them,
   * of which nobody is told.
   */
  private static HostResources settled(HostResources before) {
    long deadline = System.nanoTime() + PATIENCE_NANOS;
    HostResources now = now();
    while (now.threads > before.threads && System.nanoTime() - deadline < 0) {
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

  private boolean exceeds(HostResources other) {
    return descriptors > other.descriptors || mappings > other.mappings || threads > other.threads;
  }

  private static int count(Path folder) {
    try (Stream<Path> entries = Files.list(folder)) {
      return (int) entries.count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static int countMappings() {
    int mappings = 0;
    boolean isOfDevice = false;
    for (String line : lines("smaps")) {
      if (line.startsWith("VmFlags:")) {
        if (isOfDevice || line.contains(NOT_COPIED)) {
          mappings++;
        }
        isOfDevice = false;
      } else {
        isOfDevice |= line.contains(" anon_inode:");
      }
    }
    return mappings;
  }

  private static long readResidentByteSize() {
    for (String line : lines("status")) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
      }
    }
    throw new IllegalStateException("/proc/self/status does not tell VmRSS");
  }

  private static List<String> lines(String name) {
    try {
      return Files.readAllLines(PROCESS.resolve(name), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
