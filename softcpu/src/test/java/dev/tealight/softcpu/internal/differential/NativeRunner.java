// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.differential;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** The real processor, behind a small C program that a compiler on the host builds. */
final class NativeRunner implements AutoCloseable {
  private static final String SOURCE = "native-runner.c";

  private final Process process;
  private final OutputStream input;
  private final DataInputStream output;

  private NativeRunner(Path program) throws IOException {
    process =
        new ProcessBuilder(program.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    input = process.getOutputStream();
    output = new DataInputStream(new BufferedInputStream(process.getInputStream(), 1 << 16));
  }

  /** Returns why there is none on this host, or empty if there can be one. */
  static Optional<String> missing() {
    String system = System.getProperty("os.name") + " " + System.getProperty("os.arch");
    if (!system.equals("Linux amd64")) {
      return Optional.of("needs Linux on x86-64, this is " + system);
    }
    try {
      Process compiler = new ProcessBuilder("cc", "--version").redirectErrorStream(true).start();
      compiler.getInputStream().readAllBytes();
      return compiler.waitFor() == 0 ? Optional.empty() : Optional.of("cc does not work");
    } catch (IOException e) {
      return Optional.of("needs a C compiler named cc: " + e.getMessage());
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  static NativeRunner build(Path folder) throws IOException, InterruptedException {
    Path source = folder.resolve(SOURCE);
    try (InputStream text = NativeRunner.class.getResourceAsStream(SOURCE)) {
      if (text == null) {
        throw new IllegalStateException(SOURCE + " is missing");
      }
      Files.write(source, text.readAllBytes());
    }
    Path program = folder.resolve("native-runner");
    Process compiler =
        new ProcessBuilder("cc", "-O1", "-o", program.toString(), source.toString())
            .inheritIO()
            .start();
    if (!compiler.waitFor(60, TimeUnit.SECONDS) || compiler.exitValue() != 0) {
      throw new IllegalStateException("cc failed on " + SOURCE);
    }
    return new NativeRunner(program);
  }

  void run(TestCase test, Outcome outcome) throws IOException {
    input.write(test.bytes());
    input.flush();
    output.readFully(outcome.bytes);
  }

  @Override
  public void close() throws IOException {
    input.close();
    process.destroy();
  }
}
