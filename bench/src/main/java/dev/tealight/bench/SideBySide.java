// SPDX-License-Identifier: ISC
package dev.tealight.bench;

import dev.tealight.Console;
import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Compares Tealight with a tender written in C that has the command line of {@code solo5-hvt}, and
 * with a run loop in C. The two take turns in each round, so that a busy machine disturbs both; the
 * ratio is made round by round.
 */
final class SideBySide {
  private static final int EXITS_PER_ROUND = 50_000;
  private static final int EXITS_FOR_ALLOCATION = 1_000_000;
  private static final int IDLE_MONITORS = 100;
  private static final int LOAD_SECONDS = 1;
  private static final int WARM_UP_RUNS = 1_500;

  private final Path peer;
  private final Path image;
  private final int rounds;
  private final Set<String> parts;

  /** What {@code bench/run} built and knows: compiled C programs, launcher, guests. */
  private final Path programs = Path.of(property("programs"));

  private final Path tealight = Path.of(property("launcher"));
  private final Path idleGuest = Path.of(property("guests")).resolve("pollforever.hvt");

  private SideBySide(Path peer, Path image, int rounds, Set<String> parts) {
    this.peer = peer;
    this.image = image;
    this.rounds = rounds;
    this.parts = parts;
  }

  private static String property(String name) {
    return System.getProperty("tealight.bench." + name);
  }

  /**
   * Runs the comparison.
   *
   * @param args the peer's program, the hello image, the number of rounds, the parts: {@code
   *     abcdef}
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    Set<String> parts = new TreeSet<>(Arrays.asList(args[3].split("")));
    new SideBySide(Path.of(args[0]), Path.of(args[1]), Integer.parseInt(args[2]), parts).run();
  }

  private void run() throws IOException, InterruptedException {
    System.out.printf(
        "%d rounds of %s; each figure is a median (with minimum and maximum)%n", rounds, image);
    if (parts.contains("a")) {
      outsideKvmRun();
    }
    if (parts.contains("b")) {
      wholeRuns();
    }
    if (parts.contains("c")) {
      throughput();
    }
    if (parts.contains("d")) {
      exits();
    }
    if (parts.contains("e")) {
      allocation();
    }
    if (parts.contains("f")) {
      idleMonitors();
    }
  }

  /**
   * The peer's time in {@code KVM_RUN} comes from a run with the preloaded shim and its wall time
   * from a run without, since loading the shim takes time too. As the peer does, the vCPU's own
   * thread writes the output; the default console, with a thread for it, is measured as well, and
   * so are VMs that were prepared.
   */
  private void outsideKvmRun() throws IOException {
    double[] ours = new double[rounds];
    double[] queued = new double[rounds];
    double[] spare = new double[rounds];
    double[] theirs = new double[rounds];
    double[] withShim = new double[rounds];
    Path times = Files.createTempFile("kvm-run-time", "");
    try (WarmHello hello = new WarmHello(image, WarmHello.OPTIONS, Console::direct);
        WarmHello withQueue = new WarmHello(image);
        WarmHello withSpare =
            new WarmHello(image, WarmHello.OPTIONS.withSpareVm(), Console::direct);
        Spawner plain = spawner(peer);
        Spawner shimmed =
            new Spawner(
                List.of(program("spawn"), "-p", program("kvm-run-time.so"), times.toString()),
                command(peer))) {
      hello.warmUp(WARM_UP_RUNS);
      withQueue.warmUp(WARM_UP_RUNS / 10);
      withSpare.warmUp(WARM_UP_RUNS / 10);
      for (int i = 0; i < rounds; i++) {
        ours[i] = hello.outsideMillis();
        queued[i] = withQueue.outsideMillis();
        spare[i] = withSpare.outsideMillis();
        double whole = plain.run().wallMillis();
        Spawner.Run run = shimmed.run();
        theirs[i] = whole - run.kvmRunMillis();
        withShim[i] = run.outsideMillis();
      }
    } finally {
      Files.delete(times);
    }
    row("a  hello outside KVM_RUN, warm, ms", ours, theirs, "<= 0.5");
    row("   the same, with a console thread", queued, theirs, "");
    row("   the same with a spare VM", spare, theirs, "");
    row("   the first, if the peer pays for the shim", ours, withShim, "");
  }

  private void wholeRuns() throws IOException {
    double[] warm = new double[rounds];
    double[] cold = new double[rounds];
    double[] floor = new double[rounds];
    double[] theirs = new double[rounds];
    try (WarmHello hello = new WarmHello(image);
        Spawner plain = spawner(peer);
        Spawner launcher = spawner(tealight);
        Spawner empty = new Spawner(List.of(program("spawn")), emptyJvm())) {
      hello.warmUp(WARM_UP_RUNS);
      Spawner.Run _ = launcher.run();
      for (int i = 0; i < rounds; i++) {
        warm[i] = hello.wallMillis();
        theirs[i] = plain.run().wallMillis();
        cold[i] = launcher.run().wallMillis();
        floor[i] = empty.run().wallMillis();
      }
    }
    row("b  whole hello, warm, ms", warm, theirs, "");
    row("   whole hello, cold, ms", cold, theirs, "<= 8");
    row("   empty JVM, ms", floor, theirs, "");
  }

  private void throughput() throws IOException, InterruptedException {
    try (WarmHello hello = new WarmHello(image);
        Spawner plain = spawner(peer)) {
      hello.warmUp(WARM_UP_RUNS);
      for (int workers = 1; workers <= 2; workers++) {
        double[] ours = new double[rounds];
        double[] theirs = new double[rounds];
        for (int i = 0; i < rounds; i++) {
          ours[i] = hello.perSecond(workers, LOAD_SECONDS);
          theirs[i] = plain.perSecond(workers, LOAD_SECONDS);
        }
        row("c  hello runs per second, %d at a time".formatted(workers), ours, theirs, "> 1");
      }
    }
  }

  private void exits() throws IOException, InterruptedException {
    double[] ours = new double[rounds];
    double[] theirs = new double[rounds];
    Path code =
        Files.write(Files.createTempFile("exit-storm", ""), ExitStorm.code(EXITS_PER_ROUND));
    try (Hypervisor hypervisor = Hypervisors.open("kvm")) {
      double _ = exitsPerSecond(hypervisor);
      for (int i = 0; i < rounds; i++) {
        // Whoever comes second may find the machine in another state.
        if (i % 2 == 0) {
          ours[i] = exitsPerSecond(hypervisor);
          theirs[i] = peerExitsPerSecond(code);
        } else {
          theirs[i] = peerExitsPerSecond(code);
          ours[i] = exitsPerSecond(hypervisor);
        }
      }
    } finally {
      Files.delete(code);
    }
    row("d  exits per second", ours, theirs, "");
    System.out.printf(
        Locale.ROOT,
        "   lower 95 %% bound of the mean ratio: %.3f, wanted >= 0.95%n",
        Sample.ratio(ours, theirs).lowerBound());
  }

  private static double exitsPerSecond(Hypervisor hypervisor) throws InterruptedException {
    return EXITS_PER_ROUND * 1e9 / new ExitStorm(EXITS_PER_ROUND, System::nanoTime).run(hypervisor);
  }

  private double peerExitsPerSecond(Path code) throws IOException {
    String nanos = output(program("exit-loop"), code.toString(), Integer.toString(EXITS_PER_ROUND));
    return EXITS_PER_ROUND * 1e9 / Long.parseLong(nanos);
  }

  private void allocation() throws IOException {
    for (String mode : List.of("-Xmixed", "-Xint")) {
      String bytes =
          output(java(mode, AllocationPerExit.class, Integer.toString(EXITS_FOR_ALLOCATION)));
      System.out.printf(
          "e  bytes allocated by %d exits, %s: %s, wanted 0%n", EXITS_FOR_ALLOCATION, mode, bytes);
    }
  }

  private void idleMonitors() throws IOException {
    String kibibytes =
        output(
            java(
                "-XX:+UseSerialGC",
                IdleMonitors.class,
                idleGuest.toString(),
                Integer.toString(IDLE_MONITORS)));
    System.out.printf(
        "f  PSS and page tables for each of %d more idle monitors, KiB: %s, wanted < 512%n",
        IDLE_MONITORS, kibibytes);
  }

  private static void row(String what, double[] ours, double[] theirs, String target) {
    System.out.printf(
        "%-45s ours %-26s peer %-26s ratio %s%s%n",
        what,
        Sample.of(ours),
        Sample.of(theirs),
        Sample.ratio(ours, theirs),
        target.isEmpty() ? "" : ", wanted " + target);
  }

  private String program(String name) {
    return programs.resolve(name).toString();
  }

  private Spawner spawner(Path tender) throws IOException {
    return new Spawner(List.of(program("spawn")), command(tender));
  }

  private List<String> command(Path tender) {
    return tender.equals(tealight)
        ? List.of(tender.toString(), "--ring3=never", image.toString(), WarmHello.ARGUMENT)
        : List.of(tender.toString(), image.toString(), WarmHello.ARGUMENT);
  }

  /** The JVM with the flags that the launcher gives it, and nothing to do. */
  private static List<String> emptyJvm() {
    return List.of(
        jvm(),
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        System.getProperty("java.class.path"),
        Nothing.class.getName());
  }

  private static String[] java(String option, Class<?> main, String... args) {
    return Stream.concat(
            Stream.of(
                jvm(),
                option,
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                main.getName()),
            Arrays.stream(args))
        .toArray(String[]::new);
  }

  private static String jvm() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  private static String output(String... command) throws IOException {
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    try {
      if (process.waitFor() != 0) {
        throw new IOException("%s failed".formatted(String.join(" ", command)));
      }
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
    return output;
  }

  /** A program that does nothing: the floor of every start of a JVM. */
  static final class Nothing {
    private Nothing() {}

    public static void main(String[] args) {}
  }
}
