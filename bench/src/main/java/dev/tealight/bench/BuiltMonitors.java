// SPDX-License-Identifier: ISC
package dev.tealight.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * Monitors that were built for one unikernel beside the launcher and a tender in C: size, start,
 * memory. See {@code bench/run built}.
 */
final class BuiltMonitors {
  private static final Path PROGRAMS = Path.of(System.getProperty("tealight.bench.programs", ""));

  private BuiltMonitors() {}

  /** What is measured in every round. */
  private static final class Contestant {
    private final String name;
    private final List<String> command;
    private final double[] millis;

    Contestant(String name, int rounds, String... command) {
      this.name = name;
      this.command = List.of(command);
      this.millis = new double[rounds];
    }
  }

  /**
   * Measures.
   *
   * @param words the tender in C, the image, the folder with the monitors {@code kvm}, {@code
   *     kvm-uncached}, {@code softcpu}, and how many rounds
   */
  public static void main(String... words) throws IOException, InterruptedException {
    String peer = words[0];
    String image = words[1];
    Path monitors = Path.of(words[2]);
    int rounds = Integer.parseInt(words[3]);
    Path kvm = monitors.resolve("kvm");
    String launcher = System.getProperty("tealight.bench.launcher", "");
    List<Contestant> contestants =
        List.of(
            new Contestant("C tender", rounds, peer, image, WarmHello.ARGUMENT),
            new Contestant(
                "tealight run", rounds, launcher, "--ring3=never", image, WarmHello.ARGUMENT),
            new Contestant("built, kvm", rounds, kvm.resolve("hello").toString()),
            new Contestant(
                "built, kvm, no cache", rounds, monitors.resolve("kvm-uncached/hello").toString()),
            new Contestant("built, softcpu", rounds, monitors.resolve("softcpu/hello").toString()),
            new Contestant("its JVM, no guest", rounds, emptyMonitor(kvm)));
    List<Spawner> spawners = new ArrayList<>();
    for (Contestant contestant : contestants) {
      spawners.add(new Spawner(List.of(PROGRAMS.resolve("spawn").toString()), contestant.command));
    }
    for (int round = -1; round < rounds; round++) { // The first is not counted.
      for (int i = 0; i < contestants.size(); i++) {
        double millis = spawners.get(i).run().wallMillis();
        if (round >= 0) {
          contestants.get(i).millis[round] = millis;
        }
      }
    }
    for (Spawner spawner : spawners) {
      spawner.close();
    }
    double[] theirs = contestants.getFirst().millis;
    for (Contestant contestant : contestants) {
      Sample ratio = Sample.ratio(contestant.millis, theirs);
      System.out.printf(
          Locale.ROOT,
          "%-22s %7.1f ms (min %.1f), %.2f times the C tender (%.2f to %.2f)%n",
          contestant.name,
          Sample.of(contestant.millis).median(),
          Sample.of(contestant.millis).min(),
          ratio.median(),
          ratio.min(),
          ratio.max());
    }
    for (String name : List.of("kvm", "kvm-uncached", "softcpu")) {
      System.out.printf(
          Locale.ROOT, "%-22s %7.1f MiB%n", name, byteSize(monitors.resolve(name)) / 1048576.0);
    }
  }

  /** The built monitor's own JVM, options and cache: the entry is called and ends at once. */
  private static String[] emptyMonitor(Path monitor) {
    return new String[] {
      monitor.resolve("runtime/bin/java").toString(),
      "-XX:+UseSerialGC",
      "-XX:-UsePerfData",
      "-Xlog:disable",
      "-XX:TieredStopAtLevel=1",
      "-XX:CompileThresholdScaling=20",
      "--enable-native-access=dev.tealight.ffi.posix",
      "-XX:AOTCache=" + monitor.resolve("kvm.aot"),
      "-Dtealight.training=0",
      "-m",
      "dev.tealight.launch/dev.tealight.launch.Main"
    };
  }

  private static long byteSize(Path folder) throws IOException {
    long sum = 0;
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        sum += Files.size(file);
      }
    }
    return sum;
  }
}
