// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tealight.Hypervisors;
import dev.tealight.spi.Availability;
import dev.tealight.spi.HypervisorProvider;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Guests on taps, in a network namespace that is made for each test and goes with it: nothing of
 * the host's network is touched.
 */
class TapIT {
  private static final String TAPS =
      """
      set -e
      ip link set lo up
      ip tuntap add dev tap100 mode tap
      ip addr add 10.0.0.1/24 dev tap100
      ip link set tap100 up
      ip tuntap add dev tap101 mode tap
      ip addr add 10.1.0.1/24 dev tap101
      ip link set tap101 mtu 9000 up
      ip tuntap add dev tap102 mode tap
      exec "$@"
      """;

  /** By root as it is; by others as root of a namespace. */
  private static final List<List<String>> NAMESPACES =
      List.of(
          List.of("unshare", "--net"), List.of("unshare", "--user", "--map-root-user", "--net"));

  static List<Arguments> scenarios() {
    List<String> backends =
        Hypervisors.installed().stream()
            .filter(backend -> !backend.name().equals("mock"))
            .filter(backend -> backend.availability() instanceof Availability.Available)
            .map(HypervisorProvider::name)
            .toList();
    return Stream.of(
            "traffic", "ring", "two", "descriptor", "sizes", "refusals", "removal", "overflow")
        .flatMap(scenario -> backends.stream().map(backend -> Arguments.of(scenario, backend)))
        .toList();
  }

  private record Result(int status, String output) {}

  @ParameterizedTest
  @MethodSource("scenarios")
  void tapServesItsGuest(String scenario, String backend) throws Exception {
    List<String> command = new ArrayList<>(namespaceWithTaps());
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-XX:+UseSerialGC",
            "-cp",
            classPath(),
            TapScenarios.class.getName(),
            scenario,
            backend));
    Result result = run(command);
    assertThat(result.status()).as(result.output()).isZero();
  }

  private static List<String> namespaceWithTaps() throws Exception {
    StringBuilder reasons = new StringBuilder();
    for (List<String> namespace : NAMESPACES) {
      List<String> command = new ArrayList<>(namespace);
      command.addAll(List.of("sh", "-c", TAPS, "sh"));
      List<String> trial = new ArrayList<>(command);
      trial.add("true");
      try {
        Result result = run(trial);
        if (result.status() == 0) {
          return command;
        }
        reasons.append(result.output().strip()).append("; ");
      } catch (IOException e) {
        reasons.append(e.getMessage()).append("; ");
      }
    }
    assumeTrue(false, "no network namespace with taps can be made here: " + reasons);
    return List.of();
  }

  private static Result run(List<String> command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    if (!process.waitFor(120, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("still running: " + output);
    }
    return new Result(process.exitValue(), output);
  }

  /** Modules or not, the other process finds everything on its class path. */
  private static String classPath() {
    return String.join(
        File.pathSeparator,
        Path.of("target", "test-classes").toAbsolutePath().toString(),
        Path.of("target", "classes").toAbsolutePath().toString(),
        System.getProperty("jdk.module.path", ""),
        System.getProperty("java.class.path"));
  }
}
