// SPDX-License-Identifier: ISC
package dev.tealight.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A command to be run as a process again and again: the program {@code spawn.c} at work. */
final class Spawner implements AutoCloseable {
  private final Process process;
  private final Writer questions;
  private final BufferedReader answers;
  private final List<String> command;

  /**
   * What one run of the command took.
   *
   * @param wallMillis from before its start to after its end
   * @param kvmRunMillis in {@code KVM_RUN}, as all times that the shim takes 0 without it
   * @param firstRunMillis from before its start to the first {@code KVM_RUN}, or 0 for none
   * @param firstOutputMillis from before its start to the first byte of standard output, or 0
   * @param residentMib the most memory that was resident, in MiB
   */
  record Run(
      double wallMillis,
      double kvmRunMillis,
      double firstRunMillis,
      double firstOutputMillis,
      double residentMib) {
    double outsideMillis() {
      return wallMillis - kvmRunMillis;
    }
  }

  /**
   * Prepares to run a command.
   *
   * @param spawn the compiled program, with its options
   * @param command program and arguments
   */
  Spawner(List<String> spawn, List<String> command) throws IOException {
    this.command = command;
    List<String> words = new ArrayList<>(spawn);
    words.addAll(command);
    process = new ProcessBuilder(words).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    questions = process.outputWriter();
    answers = process.inputReader();
  }

  /** Runs it once. */
  Run run() throws IOException {
    long[] told = ask("run");
    return new Run(told[0] / 1e6, told[1] / 1e6, told[2] / 1e6, told[3] / 1e6, told[4] / 1024.0);
  }

  /** {@return how many runs per second some workers make} */
  double perSecond(int workers, int seconds) throws IOException {
    long[] countAndNanos = ask("load %d %d".formatted(workers, seconds));
    return countAndNanos[0] * 1e9 / countAndNanos[1];
  }

  private long[] ask(String question) throws IOException {
    questions.write(question + "\n");
    questions.flush();
    String answer = answers.readLine();
    if (answer == null) {
      throw new IOException("%s failed".formatted(String.join(" ", command)));
    }
    return Arrays.stream(answer.split(" ", -1)).mapToLong(Long::parseLong).toArray();
  }

  @Override
  public void close() throws IOException {
    questions.close();
    answers.close();
    process.destroy();
  }
}
