// SPDX-License-Identifier: ISC
package dev.tealight.build;

import dev.tealight.launch.BuiltMonitor;
import dev.tealight.spi.Availability;
import dev.tealight.spi.BootImage.DeclaredDevice;
import dev.tealight.spi.HypervisorProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
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

  private static final Duration TIMEOUT = Duration.ofMinutes(2);

  private final Path monitor;
  private final Path scratch;
  private final MonitorPlan plan;
  private final List<DeclaredDevice> devices;
  private final Consumer<String> progress;

  /**
   * Creates one.
   *
   * @param monitor folder with all but the caches
   * @param scratch folder for everything else, which the caller deletes
   * @param plan of the monitor
   * @param devices that its image declares
   * @param progress gets lines
   */
  AotCaches(
      Path monitor,
      Path scratch,
      MonitorPlan plan,
      List<DeclaredDevice> devices,
      Consumer<String> progress) {
    this.monitor = monitor;
    this.scratch = scratch;
    this.plan = plan;
    this.devices = devices;
    this.progress = progress;
  }

  /** Records the caches that can be recorded here; tells which cannot, and why. */
  void record() throws IOException, InterruptedException {
    for (String backend : plan.backends()) {
      String reason = unavailable(backend);
      if (reason.isEmpty()) {
        progress.accept("recording the start on %s".formatted(backend));
        reason = record(backend);
      }
      if (!reason.isEmpty()) {
        progress.accept("no cache for %s, starts will be slower: %s".formatted(backend, reason));
      }
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
  private String record(String backend) throws IOException, InterruptedException {
    Path recorded = scratch.resolve(backend + SUFFIX);
    // Profiles are for the second tier of the compiler. Handing them over slows a start, and a
    // guest
    // on the software CPU that computes for seconds is not done sooner with them. Where that tier
    // is at work they are made nevertheless, and take a part of the cache.
    List<String> recording =
        List.of(
            "-XX:AOTCacheOutput=" + recorded,
            "-XX:TieredStopAtLevel=1",
            "-XX:+UnlockDiagnosticVMOptions",
            "-XX:-AOTRecordTraining");
    try (TrainingDevices attached = TrainingDevices.of(devices, scratch)) {
      start(command(backend, recording, GUEST_SECONDS, attached.words()));
    } catch (IOException e) {
      return "the guest cannot be started here: " + e.getMessage();
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

  private int start(List<String> command) throws IOException, InterruptedException {
    return Program.run(command, scratch.resolve("output"), TIMEOUT);
  }
}
