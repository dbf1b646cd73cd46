// SPDX-License-Identifier: ISC
package dev.tealight.bench;

import dev.tealight.BackendOptions;
import dev.tealight.Console;
import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;
import dev.tealight.Monitor;
import dev.tealight.RunResult;
import dev.tealight.softcpu.SoftcpuOptions;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs one set of kernels on the processor itself, on the software CPU, interpreting and
 * translating, and on QEMU's TCG, in one run. Each prints a line when a kernel ends; the time
 * between two lines is that kernel's.
 */
final class Kernels {
  private static final long MEMORY_BYTE_SIZE = 64 << 20;

  /** Of the guest's time-stamp counter in virtual time. */
  private static final int TICKS_PER_INSTRUCTION = 2;

  private final Path folder;
  private final String scale;

  /**
   * One kernel's run.
   *
   * @param instructions that took the guest, in a run in virtual time
   */
  private record Measure(long nanos, String checksum, long instructions) {}

  /** Lines as they came, each with its moment. */
  private static final class Timeline {
    private final StringBuilder partial = new StringBuilder();
    private final Map<String, Measure> measures = new LinkedHashMap<>();
    private long last = System.nanoTime();

    void take(byte[] bytes, int offset, int length) {
      for (int i = offset; i < offset + length; i++) {
        if (bytes[i] == '\n') {
          line(partial.toString());
          partial.setLength(0);
        } else {
          partial.append((char) bytes[i]);
        }
      }
    }

    void line(String line) {
      long now = System.nanoTime();
      String[] words = line.split(" ", -1);
      if (words.length == 3) {
        long instructions = Long.parseLong(words[2]) / TICKS_PER_INSTRUCTION;
        measures.put(words[0], new Measure(now - last, words[1], instructions));
      }
      last = now;
    }

    Measure of(String kernel) {
      Measure measure = measures.get(kernel);
      if (measure == null) {
        throw new IllegalStateException("a run ended before the kernel " + kernel);
      }
      return measure;
    }

    /** Replaces what took longer than in the other run. */
    void improve(Timeline other) {
      measures.replaceAll(
          (kernel, measure) ->
              other.of(kernel).nanos() < measure.nanos() ? other.of(kernel) : measure);
    }
  }

  private Kernels(Path folder, String scale) {
    this.folder = folder;
    this.scale = scale;
  }

  /**
   * Compares.
   *
   * @param arguments the folder with the built kernels, the scale, how often to run each in the
   *     warm JVM, and the command that runs QEMU on the image, or nothing to leave it out
   */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    Kernels kernels = new Kernels(Path.of(arguments[0]), arguments[1]);
    int rounds = Integer.parseInt(arguments[2]);
    List<String> qemu = List.of(arguments).subList(3, arguments.length);
    kernels.compare(rounds, qemu);
  }

  private void compare(int rounds, List<String> qemu) throws IOException, InterruptedException {
    Timeline counted = software(SoftcpuOptions.repeatable(1), 1).getFirst();
    List<String> process = List.of(folder.resolve("kernels").toString(), scale);
    process(process); // once in vain: the first start of a process takes its time
    Timeline natively = process(process);
    Timeline tcg = qemu.isEmpty() ? null : process(qemu);
    Timeline interpreted = software(SoftcpuOptions.defaults().interpreting(), 1).getFirst();
    List<Timeline> translated = software(SoftcpuOptions.defaults(), rounds);
    Timeline first = translated.getFirst();
    Timeline best = translated.getLast();
    for (Timeline other : translated.subList(1, rounds)) {
      best.improve(other);
    }
    System.out.printf(
        "%-12s %8s %8s %8s %8s %8s %8s %8s%n",
        "kernel", "10^6 ins", "native", "tcg", "interp.", "first", "best", "of tcg");
    double product = 1;
    long instructions = 0;
    long interpretedNanos = 0;
    for (Map.Entry<String, Measure> kernel : counted.measures.entrySet()) {
      String name = kernel.getKey();
      long executed = kernel.getValue().instructions();
      double ratio = Double.NaN;
      if (tcg != null) {
        ratio = (double) tcg.of(name).nanos() / best.of(name).nanos();
      }
      product *= ratio;
      instructions += executed;
      interpretedNanos += interpreted.of(name).nanos();
      System.out.printf(
          "%-12s %8.1f %8s %8s %8s %8s %8s %8.2f%n",
          name,
          executed / 1e6,
          speed(name, counted, natively),
          tcg == null ? "-" : speed(name, counted, tcg),
          speed(name, counted, interpreted),
          speed(name, counted, first),
          speed(name, counted, best),
          ratio);
    }
    System.out.printf(
        "interpreter on all of it: %.0f million instructions/s%n",
        instructions * 1e3 / interpretedNanos);
    System.out.printf(
        "geometric mean, of TCG: %.2f%n", Math.pow(product, 1.0 / counted.measures.size()));
  }

  /** Returns millions of guest instructions a second, after a look at the result. */
  private static String speed(String kernel, Timeline counted, Timeline run) {
    Measure expected = counted.of(kernel);
    Measure found = run.of(kernel);
    if (!expected.checksum().equals(found.checksum())) {
      throw new IllegalStateException(
          "%s: checksum %s, expected %s".formatted(kernel, found.checksum(), expected.checksum()));
    }
    return "%.0f".formatted(expected.instructions() * 1e3 / found.nanos());
  }

  /** Runs the kernels in one new machine after the other. */
  private List<Timeline> software(BackendOptions options, int rounds)
      throws IOException, InterruptedException {
    List<Timeline> timelines = new ArrayList<>();
    try (Hypervisor hypervisor = Hypervisors.open(options)) {
      for (int round = 0; round < rounds; round++) {
        timelines.add(software(hypervisor));
      }
    }
    return timelines;
  }

  private Timeline software(Hypervisor hypervisor) throws IOException, InterruptedException {
    Timeline timeline = new Timeline();
    try (Monitor monitor =
        Monitor.builder()
            .image(folder.resolve("kernels.hvt"))
            .arguments(scale)
            .memoryByteSize(MEMORY_BYTE_SIZE)
            .console(Console.direct(timeline::take))
            .hypervisor(hypervisor)
            .build()) {
      RunResult result = monitor.run();
      if (!(result instanceof RunResult.Halted)) {
        throw new IllegalStateException("the kernels ended with " + result);
      }
    }
    return timeline;
  }

  private static Timeline process(List<String> command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    Timeline timeline = new Timeline();
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII))) {
      String line;
      while ((line = reader.readLine()) != null) {
        timeline.line(line);
      }
    }
    process.waitFor();
    return timeline;
  }
}
