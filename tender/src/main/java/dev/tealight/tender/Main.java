// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import dev.tealight.launch.StderrLogging;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.util.Arrays;

/**
 * The command line. Its first word is a subcommand, or the first word of {@code run}: so that it
 * takes whatever Solo5's own tender takes.
 */
public final class Main {
  private Main() {}

  /**
   * Runs a command and ends the JVM with its status.
   *
   * @param words of the command line
   */
  public static void main(String[] words) {
    StderrLogging.use();
    int status = 1;
    try {
      status = execute(words);
    } catch (RuntimeException | Error e) {
      System.err.println("tealight: internal error");
      Thread.currentThread().getThreadGroup().uncaughtException(Thread.currentThread(), e);
    }
    // Everything is closed and written: no need for the JVM's orderly and slower way out. While it
    // shuts down because of a signal, this is also the only way to choose the status.
    Runtime.getRuntime().halt(status);
  }

  private static int execute(String[] words) {
    String first = words.length == 0 ? "" : words[0];
    return switch (first) {
      case "run" -> run(Arrays.copyOfRange(words, 1, words.length), true);
      case "build", "inspect", "backends", "completion", "help", "--help", "--version", "" ->
          Subcommands.execute(words);
      default -> run(words, false);
    };
  }

  private static int run(String[] words, boolean named) {
    return new RunCommand(new FileOutputStream(FileDescriptor.out), System.err)
        .execute(words, named);
  }
}
