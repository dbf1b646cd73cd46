// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import dev.tealight.device.FrameLink;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** A {@code passt} that was started for one guest. */
public final class Engine {
  private static final String PROGRAM = "passt";
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final long LOOK_EVERY_MILLIS = 5;

  private final Process process;

  private Engine(Process process) {
    this.process = process;
  }

  /**
   * Starts one and connects to it.
   *
   * @param arguments of its ports
   * @return a link that ends it when it is closed
   * @throws IOException if it is not installed or does not start; says how to get it
   */
  public static FrameLink open(List<String> arguments) throws IOException {
    Path folder =
        Files.createTempDirectory(
            "tealight-net",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    Path socket = folder.resolve("socket");
    Path log = folder.resolve("log");
    List<String> command =
        new ArrayList<>(List.of(PROGRAM, "-f", "-1", "-q", "-s", socket.toString()));
    // Started by root, it would become nobody, who cannot make a socket in the folder.
    if (Files.getAttribute(folder, "unix:uid") instanceof Integer uid && uid == 0) {
      command.addAll(List.of("--runas", "0"));
    }
    command.addAll(arguments);
    Process process;
    try {
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
    } catch (IOException e) {
      remove(folder);
      throw new IOException(
          "a user network needs the program %s: install it (Debian, Fedora: the package passt), or start another and name its socket with unix:PATH"
              .formatted(PROGRAM),
          e);
    }
    Engine engine = new Engine(process);
    try {
      FrameLink link = engine.connect(socket, log);
      try {
        // Now, because a process that was confined meanwhile may not remove files.
        remove(folder);
      } catch (IOException e) {
        link.close();
        throw e;
      }
      return link;
    } catch (IOException e) {
      engine.end();
      remove(folder);
      throw e;
    }
  }

  /** Its socket has a name before anybody listens there. */
  private FrameLink connect(Path socket, Path log) throws IOException {
    long deadline = System.nanoTime() + PATIENCE_NANOS;
    while (true) {
      boolean last = !process.isAlive() || System.nanoTime() - deadline > 0;
      if (Files.exists(socket)) {
        try {
          return StreamLink.connect(socket, this::end);
        } catch (IOException e) {
          if (last) {
            throw e;
          }
        }
      } else if (last) {
        throw new IOException("%s does not start: %s".formatted(PROGRAM, said(log)));
      }
      rest();
    }
  }

  private static String said(Path log) throws IOException {
    return new String(Files.readAllBytes(log), StandardCharsets.UTF_8)
        .lines()
        .filter(line -> !line.endsWith("to syslog"))
        .collect(Collectors.joining("; "));
  }

  private static void rest() throws IOException {
    try {
      Thread.sleep(LOOK_EVERY_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while %s starts".formatted(PROGRAM));
    }
  }

  /** Ends the program, which also ends by itself when its connection does. */
  private void end() {
    process.destroy();
  }

  private static void remove(Path folder) throws IOException {
    Files.deleteIfExists(folder.resolve("socket"));
    Files.deleteIfExists(folder.resolve("log"));
    Files.deleteIfExists(folder);
  }
}
