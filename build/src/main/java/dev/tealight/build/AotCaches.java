// SPDX-License-Identifier: ISC
package dev.tealight.build;

import dev.tealight.launch.BuiltMonitor;
import dev.tealight.spi.Availability;
import dev.tealight.spi.BootImage.DeclaredDevice;
import dev.tealight.spi.HypervisorProvider;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Records what the start of a monitor needs in caches of the JVM, one for each backend, since a
 * cache holds for one set of the JVM's options. The guest runs for it, with devices that are made
 * for the purpose.
 */
final class AotCaches {
  static final String SUFFIX = ".aot";
  static final String DIGEST_SUFFIX = ".aot.sha256";

  /** How long the guest may run, and how long writing the cache may take. */
  private static final int GUEST_SECONDS = 5;

  private static final int TIMEOUT_SECONDS = 120;

  private final Path monitor;
  private final MonitorPlan plan;
  private final List<DeclaredDevice> devices;
  private final Consumer<String> progress;

  /**
   * Creates one.
   *
   * @param monitor folder with all but the caches
   * @param plan of the monitor
   * @param devices that its image declares
   * @param progress gets lines
   */
  AotCaches(
      Path monitor, MonitorPlan plan, List<DeclaredDevice> devices, Consumer<String> progress) {
    this.monitor = monitor;
    this.plan = plan;
    this.devices = devices;
    this.progress = progress;
  }

  /** Records the caches that can be recorded here; tells which cannot, and why. */
  void record() throws IOException, InterruptedException {
    Path scratch = Files.createTempDirectory("tealight");
    try {
      for (String backend : plan.backends()) {
        String reason = unavailable(backend);
        if (reason.isEmpty()) {
          progress.accept("recording the start on %s".formatted(backend));
          reason = record(backend, Files.createDirectory(scratch.resolve(backend)));
        }
        if (!reason.isEmpty()) {
          progress.accept("no cache for %s, starts will be slower: %s".formatted(backend, reason));
        }
      }
    } finally {
      Folders.delete(scratch);
    }
  }

  private static String unavailable(String backend) {
    for (HypervisorProvider provider : ServiceLoader.load(HypervisorProvider.class)) {
      if (provider.name().equals(backend)
          && provider.availability() instanceof Availability.Unavailable no) {
        return no.reason();
      }
    }
    return "";
  }

  /** {@return why there is no cache, or an empty text} */
  private String record(String backend, Path scratch) throws IOException, InterruptedException {
    Path recorded = scratch.resolve(backend + SUFFIX);
    List<String> words = new ArrayList<>();
    List<ServerSocketChannel> peers = new ArrayList<>();
    try {
      for (DeclaredDevice device : devices) {
        attach(device, scratch, words, peers);
      }
      // Profiles are for the second tier of the compiler. Handing them over slows a start, and a
      // guest
      // on the software CPU that computes for seconds is not done sooner with them.
      List<String> recording =
          List.of(
              "-XX:AOTCacheOutput=" + recorded,
              "-XX:+UnlockDiagnosticVMOptions",
              "-XX:-AOTRecordTraining");
      start(command(backend, recording, GUEST_SECONDS, words));
    } catch (IOException e) {
      return "its runtime cannot be started here: " + e.getMessage();
    } finally {
      for (ServerSocketChannel peer : peers) {
        peer.close();
      }
    }
    if (!Files.exists(recorded)) {
      return "this JVM made none";
    }
    List<String> checking = List.of("-XX:AOTCache=" + recorded, "-XX:AOTMode=on");
    int status = start(command(backend, checking, 0, List.of()));
    if (status != 0) {
      return "this JVM refuses what it recorded, with status " + status;
    }
    Path cache = monitor.resolve(backend + SUFFIX);
    Files.move(recorded, cache, StandardCopyOption.REPLACE_EXISTING);
    Files.writeString(
        monitor.resolve(backend + DIGEST_SUFFIX),
        "%s  %s\n".formatted(Digest.of(Files.readAllBytes(cache)), cache.getFileName()));
    return "";
  }

  /** Devices of other types stay away: the record then ends where the guest is refused. */
  private static void attach(
      DeclaredDevice device, Path scratch, List<String> words, List<ServerSocketChannel> peers)
      throws IOException {
    Path file = scratch.resolve(device.name() + words.size());
    switch (device.type()) {
      case "BLOCK_BASIC" -> {
        Files.write(file, new byte[1 << 20]);
        words.add("--block:%s=%s".formatted(device.name(), file));
      }
      case "NET_BASIC" -> {
        ServerSocketChannel peer = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        peers.add(peer);
        peer.bind(UnixDomainSocketAddress.of(file));
        words.add("--net:%s=unix:%s".formatted(device.name(), file));
      }
      default -> {}
    }
  }

  /** As the launcher makes it, but for what records or checks. */
  private List<String> command(
      String backend, List<String> options, int seconds, List<String> words) {
    List<String> command = new ArrayList<>();
    command.add(monitor.resolve("runtime").resolve("bin").resolve("java").toString());
    command.addAll(LauncherScript.options(plan, backend));
    command.addAll(options);
    command.add("-D%s=%d".formatted(BuiltMonitor.TRAINING_PROPERTY, seconds));
    command.add("-D%s=%s".formatted(BuiltMonitor.BACKEND_PROPERTY, backend));
    command.add("-m");
    command.add(LauncherScript.main(plan));
    command.addAll(words);
    return command;
  }

  private static int start(List<String> command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      process.getOutputStream().close();
      return process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS) ? process.exitValue() : -1;
    } finally {
      process.destroyForcibly();
    }
  }
}
