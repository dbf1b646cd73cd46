// SPDX-License-Identifier: ISC
package dev.tealight.bench;

import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;
import dev.tealight.Monitor;
import dev.tealight.RunResult;
import dev.tealight.ffi.kvm.KvmOptions;
import dev.tealight.ffi.kvm.KvmOptions.Ring3Policy;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What it gains and costs to start guests at privilege level 3, where that is needed: the speed of
 * compute guests beside that of the same loops in a process of the host, and what boots, exits and
 * the probe cost beside level 0. The sides take turns in each round.
 */
final class Ring3Start {
  private static final Pattern NANOS = Pattern.compile("in (\\d+) ns");
  private static final int CALLS = 2_000;
  private static final int WARM_UP_RUNS = 50;
  private static final int BOOTS = 20;

  private final Path programs = Path.of(System.getProperty("tealight.bench.programs"));
  private final Path guests = Path.of(System.getProperty("tealight.bench.guests"));
  private final int rounds;

  private Ring3Start(int rounds) {
    this.rounds = rounds;
  }

  /**
   * Measures.
   *
   * @param args the number of rounds
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    new Ring3Start(Integer.parseInt(args[0])).run();
  }

  private static Hypervisor open(Ring3Policy policy) {
    return Hypervisors.open(KvmOptions.DEFAULT.withRing3(policy));
  }

  private void run() throws IOException, InterruptedException {
    System.out.printf("%d rounds; each figure is a median (with minimum and maximum)%n", rounds);
    try (Hypervisor level3 = open(Ring3Policy.ALWAYS);
        Hypervisor level0 = open(Ring3Policy.NEVER)) {
      compute(level3, "compute", "50000000");
      compute(level3, "nbody", "1000000");
      exits(level3, level0);
      boots(level3, level0);
    }
    probe();
  }

  /** The guest and the process each time their own loop. */
  private void compute(Hypervisor level3, String program, String steps)
      throws IOException, InterruptedException {
    double[] guest = new double[rounds];
    double[] process = new double[rounds];
    for (int i = 0; i < rounds; i++) {
      if (i % 2 == 0) {
        guest[i] = nanos(output(level3, program, steps));
        process[i] = nanos(output(programs.resolve(program), steps));
      } else {
        process[i] = nanos(output(programs.resolve(program), steps));
        guest[i] = nanos(output(level3, program, steps));
      }
    }
    System.out.printf(
        "%-34s guest %-24s C %-24s its speed in C's %s, wanted >= 0.9%n",
        "%s %s, ms".formatted(program, steps),
        millis(guest),
        millis(process),
        Sample.ratio(process, guest));
  }

  private void exits(Hypervisor level3, Hypervisor level0) throws InterruptedException {
    double[] here = new double[rounds];
    double[] there = new double[rounds];
    String calls = Integer.toString(CALLS);
    for (int i = 0; i < rounds; i++) {
      here[i] = nanos(output(level3, "storm", calls)) / CALLS / 1_000;
      there[i] = nanos(output(level0, "storm", calls)) / CALLS / 1_000;
    }
    row("one hypercall, us", here, there);
  }

  private void boots(Hypervisor level3, Hypervisor level0) throws InterruptedException {
    for (String program : new String[] {"halt", "hello"}) {
      for (int i = 0; i < WARM_UP_RUNS; i++) {
        String _ = output(level3, program, WarmHello.ARGUMENT);
        String _ = output(level0, program, WarmHello.ARGUMENT);
      }
      double[] here = new double[rounds];
      double[] there = new double[rounds];
      for (int i = 0; i < rounds; i++) {
        here[i] = bootMillis(level3, program);
        there[i] = bootMillis(level0, program);
      }
      row("whole run of %s, warm, ms".formatted(program), here, there);
    }
  }

  private double bootMillis(Hypervisor hypervisor, String program) throws InterruptedException {
    long begin = System.nanoTime();
    for (int i = 0; i < BOOTS; i++) {
      String _ = output(hypervisor, program, WarmHello.ARGUMENT);
    }
    return (System.nanoTime() - begin) / 1e6 / BOOTS;
  }

  private void probe() {
    double[] millis = new double[rounds];
    for (int i = 0; i < rounds; i++) {
      try (Hypervisor fresh = open(Ring3Policy.AUTO)) {
        long begin = System.nanoTime();
        String _ = fresh.description();
        millis[i] = (System.nanoTime() - begin) / 1e6;
      }
    }
    System.out.printf("%-34s %s%n", "probe, once a hypervisor, ms", Sample.of(millis));
  }

  private static void row(String what, double[] here, double[] there) {
    System.out.printf(
        "%-34s level 3 %-24s level 0 %-24s ratio %s%n",
        what, Sample.of(here), Sample.of(there), Sample.ratio(here, there));
  }

  private static Sample millis(double... nanos) {
    double[] millis = nanos.clone();
    for (int i = 0; i < millis.length; i++) {
      millis[i] /= 1e6;
    }
    return Sample.of(millis);
  }

  private String output(Hypervisor hypervisor, String program, String argument)
      throws InterruptedException {
    ByteArrayOutputStream console = new ByteArrayOutputStream();
    try (Monitor monitor =
        Monitor.builder()
            .image(guests.resolve(program + ".hvt"))
            .arguments(argument)
            .console(console)
            .hypervisor(hypervisor)
            .build()) {
      RunResult result = monitor.run();
      if (!(result instanceof RunResult.Halted(int status, long _, var _)) || status != 0) {
        throw new IllegalStateException("%s ended with %s".formatted(program, result));
      }
    }
    return console.toString(StandardCharsets.UTF_8);
  }

  private static String output(Path program, String argument) throws IOException {
    Process process = new ProcessBuilder(program.toString(), argument).start();
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  private static double nanos(String output) {
    Matcher matcher = NANOS.matcher(output);
    if (!matcher.find()) {
      throw new IllegalStateException("there is no time in: " + output);
    }
    return Double.parseDouble(matcher.group(1));
  }
}
