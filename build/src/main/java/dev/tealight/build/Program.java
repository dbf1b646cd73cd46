// SPDX-License-Identifier: ISC
package dev.tealight.build;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/** Programs of the JDK and of monitors, run to their end. */
final class Program {
  private Program() {}

  /**
   * Runs a program that reads nothing.
   *
   * @param command its words
   * @param output file that gets what it writes, to be created or replaced
   * @param limit how long it may take
   * @return its status, or -1 if it took longer; neither it nor a child of its is left running
   * @throws IOException if it cannot be started
   * @throws InterruptedException if this thread is interrupted; the same holds
   */
  static int run(List<String> command, Path output, Duration limit)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      process.getOutputStream().close();
      return process.waitFor(limit) ? process.exitValue() : -1;
    } finally {
      kill(process);
    }
  }

  /** Waits until they are gone, so that they write nothing any more. */
  private static void kill(Process process) {
    List<ProcessHandle> all =
        Stream.concat(process.descendants(), Stream.of(process.toHandle())).toList();
    all.forEach(ProcessHandle::destroyForcibly);
    all.forEach(handle -> handle.onExit().join());
  }
}
