// SPDX-License-Identifier: ISC
package dev.tealight.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.util.ArrayList;
import java.util.List;

/** A command to be run as a process again and again: the program {@code spawn.c} at work. */
final class Spawner implements AutoCloseable {
  private final Process process;
  private final Writer questions;
  private final BufferedReader answers;
  private final List<String> command;

  /** What one run of the command took, in milliseconds. */
  record Run(double wallMillis, double kvmRunMillis) {
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

  /** Runs it once; the time in {@code KVM_RUN} is 0 unless the spawner has the shim. */
  Run run() throws IOException {
    long[] nanos = ask("run");
    return new Run(nanos[0] / 1e6, nanos[1] / 1e6);
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
    String[] words = answer.split(" ", 2);
    return new long[] {Long.parseLong(words[0]), Long.parseLong(words[1])};
  }

  @Override
  public void close() throws IOException {
    questions.close();
    answers.close();
    process.destroy();
  }
}
