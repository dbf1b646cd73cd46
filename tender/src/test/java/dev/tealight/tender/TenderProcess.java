// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * The tender as its users meet it: a process of its own, from the packaged jars. On the module path
 * or the class path, as this test itself.
 */
final class TenderProcess {
  static final Path TARGET = Path.of("target").toAbsolutePath();

  /**
   * How it ended.
   *
   * @param status exit status
   * @param out standard output, byte by byte
   * @param err standard error
   */
  record Result(int status, String out, String err) {}

  private TenderProcess() {}

  static Result run(String... words) throws Exception {
    return run(List.of(), words);
  }

  static Result run(List<String> jvmOptions, String... words) throws Exception {
    return finish(start(jvmOptions, words));
  }

  static Process start(List<String> jvmOptions, String... words) throws IOException {
    return new ProcessBuilder(command(jvmOptions, List.of(words))).start();
  }

  static List<String> command(List<String> jvmOptions, List<String> words) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:+UseSerialGC");
    command.add("-XX:TieredStopAtLevel=1");
    command.add("--illegal-native-access=deny");
    command.addAll(jvmOptions);
    String path = jar() + ":" + String.join(":", libraries());
    if (TenderProcess.class.getModule().isNamed()) {
      command.add("--enable-native-access=dev.tealight.ffi.posix");
      command.addAll(List.of("-p", path, "-m", "dev.tealight.tender/dev.tealight.tender.Main"));
    } else {
      command.add("--enable-native-access=ALL-UNNAMED");
      command.addAll(List.of("-cp", path, "dev.tealight.tender.Main"));
    }
    command.addAll(words);
    return command;
  }

  static Result finish(Process process) throws Exception {
    CompletableFuture<String> err =
        CompletableFuture.supplyAsync(() -> text(process.getErrorStream()));
    String out = text(process.getInputStream());
    if (!process.waitFor(60, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("still running after its output ended: " + out + err.get());
    }
    return new Result(process.exitValue(), out, err.get());
  }

  static String text(InputStream stream) {
    try (stream) {
      return new String(stream.readAllBytes(), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return "";
    }
  }

  static Path jar() throws IOException {
    try (DirectoryStream<Path> jars = Files.newDirectoryStream(TARGET, "tealight-tender-*.jar")) {
      for (Path jar : jars) {
        if (!jar.toString().matches(".*-(sources|javadoc)\\.jar")) {
          return jar;
        }
      }
    }
    throw new AssertionError("no jar of the tender in " + TARGET + ": run mvn verify");
  }

  private static List<String> libraries() throws IOException {
    List<String> libraries = new ArrayList<>();
    try (DirectoryStream<Path> jars = Files.newDirectoryStream(TARGET.resolve("lib"), "*.jar")) {
      jars.forEach(jar -> libraries.add(jar.toString()));
    }
    return libraries;
  }
}
