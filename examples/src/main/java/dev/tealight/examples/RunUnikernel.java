// SPDX-License-Identifier: ISC

package dev.tealight.examples;

// snippet: run-unikernel
import dev.tealight.Monitor;
import dev.tealight.RunResult;
import java.nio.file.Path;
import java.util.Arrays;

/** Runs the unikernel named on the command line, with the arguments behind it. */
public final class RunUnikernel {
  private RunUnikernel() {}

  public static void main(String[] args) throws InterruptedException {
    String[] guestArguments = Arrays.copyOfRange(args, 1, args.length);
    try (Monitor monitor =
        Monitor.builder()
            .image(Path.of(args[0]))
            .arguments(guestArguments)
            .memoryByteSize(64 << 20)
            .console(System.out)
            .build()) {
      switch (monitor.run()) {
        case RunResult.Halted halted -> System.out.println("exit status " + halted.status());
        case RunResult other -> System.out.println("did not end by itself: " + other);
      }
    }
  }
}
// end
