// SPDX-License-Identifier: ISC
package dev.tealight.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Monitors that were built for one unikernel beside the launcher and a tender in C: start, loaded
 * classes, memory, size. See {@code bench/run built}.
 *
 * <p>The first instruction is that of the guest {@code minimal}, which prints with its first five
 * and then ends: a library that is preloaded notes when the process first writes to its standard
 * output, by a clock that takes no system call. Other runs than these are timed to their end.
 */
final class BuiltMonitors {
  private static final String PROGRAMS = System.getProperty("tealight.bench.programs", "");
  private static final String GUESTS = System.getProperty("tealight.bench.guests", "");
  private static final String LAUNCHER = System.getProperty("tealight.bench.launcher", "");
  private static final String HELLO = "hello";
  private static final String MINIMAL = "minimal";

  private BuiltMonitors() {}

  /** A command that is run in every round, and what that took. */
  private static final class Contestant implements AutoCloseable {
    private final String name;
    private final Spawner whole;
    private final Spawner begin;
    private final List<Spawner.Run> runs = new ArrayList<>();
    private final List<Spawner.Run> begins = new ArrayList<>();

    /** Commands for {@code hello} and {@code minimal}; without a guest, the same. */
    Contestant(String name, Path times, List<String> hello, List<String> minimal)
        throws IOException {
      this.name = name;
      whole = new Spawner(List.of(PROGRAMS + "/spawn"), hello);
      begin =
          new Spawner(
              List.of(PROGRAMS + "/spawn", "-p", PROGRAMS + "/kvm-run-time.so", times.toString()),
              minimal);
    }

    void run() throws IOException {
      runs.add(whole.run());
      begins.add(begin.run());
    }

    double[] wallMillis() {
      return runs.stream().mapToDouble(Spawner.Run::wallMillis).toArray();
    }

    /** Zeros if there was no output. */
    double[] beginMillis() {
      return begins.stream().mapToDouble(Spawner.Run::firstOutputMillis).toArray();
    }

    double[] residentMib() {
      return runs.stream().mapToDouble(Spawner.Run::residentMib).toArray();
    }

    @Override
    public void close() throws IOException {
      whole.close();
      begin.close();
    }
  }

  /**
   * Measures.
   *
   * @param words the tender in C, the folder with the monitors {@code kvm}, {@code kvm-uncached},
   *     {@code softcpu} for each of the two guests, and how many rounds
   */
  public static void main(String... words) throws IOException, InterruptedException {
    Path monitors = Path.of(words[1]);
    int rounds = Integer.parseInt(words[2]);
    Path times = Files.createTempFile("times", "");
    List<Contestant> contestants = new ArrayList<>();
    try {
      contestants.add(contestant("C tender", times, List.of(words[0])));
      contestants.add(contestant("tealight run", times, List.of(LAUNCHER, "--ring3=never")));
      for (String kind : List.of("kvm", "kvm-uncached", "softcpu")) {
        contestants.add(
            new Contestant(
                "built, " + kind,
                times,
                List.of(launcher(monitors, HELLO, kind)),
                List.of(launcher(monitors, MINIMAL, kind))));
      }
      List<String> empty = emptyMonitor(monitors.resolve(HELLO).resolve("kvm"));
      contestants.add(new Contestant("its JVM, no guest", times, empty, empty));
      for (int round = -1; round < rounds; round++) {
        for (Contestant contestant : contestants) {
          contestant.run();
          if (round < 0) { // Not counted.
            contestant.runs.clear();
            contestant.begins.clear();
          }
        }
      }
      report(contestants);
    } finally {
      for (Contestant contestant : contestants) {
        contestant.close();
      }
      Files.delete(times);
    }
    reportMonitors(monitors.resolve(HELLO));
  }

  private static Contestant contestant(String name, Path times, List<String> command)
      throws IOException {
    List<List<String>> commands = new ArrayList<>();
    for (String guest : List.of(HELLO, MINIMAL)) {
      List<String> words = new ArrayList<>(command);
      words.add("%s/%s.hvt".formatted(GUESTS, guest));
      words.add(WarmHello.ARGUMENT);
      commands.add(words);
    }
    return new Contestant(name, times, commands.get(0), commands.get(1));
  }

  private static String launcher(Path monitors, String guest, String kind) {
    return monitors.resolve(guest).resolve(kind).resolve(guest).toString();
  }

  private static void report(List<Contestant> contestants) {
    double[] theirs = contestants.getFirst().wallMillis();
    double[] theirBegin = contestants.getFirst().beginMillis();
    for (Contestant contestant : contestants) {
      System.out.printf(Locale.ROOT, "%-20s", contestant.name);
      print("start to exit", contestant.wallMillis(), theirs);
      double[] begin = contestant.beginMillis();
      if (Sample.of(begin).min() > 0) {
        print("to the first instruction", begin, theirBegin);
      }
      System.out.printf(
          Locale.ROOT, " resident %.1f MiB%n", Sample.of(contestant.residentMib()).median());
    }
  }

  private static void print(String what, double[] millis, double[] theirs) {
    Sample ratio = Sample.ratio(millis, theirs);
    System.out.printf(
        Locale.ROOT,
        " %s %.1f ms (min %.1f), %.2f times the C tender (%.2f to %.2f);",
        what,
        Sample.of(millis).median(),
        Sample.of(millis).min(),
        ratio.median(),
        ratio.min(),
        ratio.max());
  }

  private static void reportMonitors(Path monitors) throws IOException, InterruptedException {
    for (String kind : List.of("kvm", "kvm-uncached", "softcpu")) {
      Path monitor = monitors.resolve(kind);
      List<String> classes = loadedClasses(monitor.resolve(HELLO));
      System.out.printf(
          Locale.ROOT,
          "%-20s %.1f MiB, loads %d classes, %d of them from a cache%n",
          "built, " + kind,
          byteSize(monitor) / 1048576.0,
          classes.size(),
          classes.stream().filter(line -> line.contains("shared objects file")).count());
    }
  }

  /** What the JVM logs when it is asked to by the variable that is read after the command line. */
  private static List<String> loadedClasses(Path launcher)
      throws IOException, InterruptedException {
    Path log = Files.createTempFile("classes", "");
    try {
      ProcessBuilder builder = new ProcessBuilder(launcher.toString());
      builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
      builder.redirectError(ProcessBuilder.Redirect.DISCARD);
      builder.environment().put("_JAVA_OPTIONS", "-Xlog:class+load:file=" + log);
      int status = builder.start().waitFor();
      if (status != 0) {
        throw new IOException("%s ended with status %d".formatted(launcher, status));
      }
      return Files.readAllLines(log);
    } finally {
      Files.delete(log);
    }
  }

  /** The built monitor's own JVM, options and cache: the entry is called and ends at once. */
  private static List<String> emptyMonitor(Path monitor) throws IOException {
    Matcher flags =
        Pattern.compile("  kvm\\) flags=\"(.*)\" ;;\n")
            .matcher(Files.readString(monitor.resolve(HELLO)));
    if (!flags.find()) {
      throw new IOException("%s has no flags for kvm".formatted(monitor.resolve(HELLO)));
    }
    List<String> command = new ArrayList<>();
    command.add(monitor.resolve("runtime/bin/java").toString());
    command.addAll(List.of(flags.group(1).split(" ")));
    command.add("-XX:AOTCache=" + monitor.resolve("kvm.aot"));
    command.add("-Dtealight.training=0");
    command.add("-m");
    command.add("dev.tealight.launch/dev.tealight.launch.Main");
    return command;
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
