// SPDX-License-Identifier: ISC
package dev.tealight.launch;

import dev.tealight.BackendOptions;
import dev.tealight.Console;
import dev.tealight.Hypervisor;
import dev.tealight.Monitor;
import dev.tealight.RunHandle;
import dev.tealight.RunResult;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Runs one guest, from a monitor's builder to the exit status of this process. */
public final class GuestProcess {

  /** The status for everything but the guest's own end. */
  public static final int FAILED = 1;

  /** How long a guest may take to stop before its thread is left behind, with the JVM. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final OutputStream out;
  private final PrintStream err;
  private final Signals signals;

  /**
   * How a guest is run.
   *
   * @param backend name of the backend, or empty for the first that is available
   * @param backendOptions for that backend, or empty for its defaults
   * @param memoryMib size of guest memory in MiB, at least 1
   * @param deadline how long the guest may run, or empty for ever
   * @param verbose whether to tell which backend was chosen and why
   * @param confined whether the process gives up what the guest's run does not need
   */
  public record Settings(
      Optional<String> backend,
      Optional<? extends BackendOptions> backendOptions,
      long memoryMib,
      Optional<Duration> deadline,
      boolean verbose,
      boolean confined) {}

  /**
   * Creates one. From here on, SIGINT, SIGTERM and SIGHUP end the process with status 1.
   *
   * @param out where the guest's output goes, unbuffered
   * @param err where messages go
   */
  public GuestProcess(OutputStream out, PrintStream err) {
    this.out = out;
    this.err = err;
    signals = new Signals(err, PATIENCE);
    Runtime.getRuntime().addShutdownHook(signals);
  }

  /**
   * Writes a message.
   *
   * @param message without a full stop
   */
  public void say(@Nullable String message) {
    err.println("tealight: " + message);
  }

  /**
   * Runs the guest.
   *
   * @param builder with image, arguments and devices; gets the rest
   * @param settings how to run it
   * @return the exit status: the low 8 bits of the guest's, or {@link #FAILED}
   * @throws InterruptedException if this thread is interrupted; the guest has been stopped
   * @throws dev.tealight.VmmException if the guest cannot be run, or the host fails
   */
  public int run(Monitor.Builder builder, Settings settings) throws InterruptedException {
    // Solo5's tender rounds before it compares with the limit: 4097 MiB are 4096.
    long mib = Math.max(settings.memoryMib() & ~1L, 2);
    builder.memoryByteSize(mib << 20);
    if (settings.deadline().isPresent()) {
      builder.deadline(settings.deadline().get());
    }
    // No queue in between: as with a C tender, a guest waits for whoever reads its output.
    StandardOutput output = new StandardOutput(out);
    builder.console(Console.direct(output));
    Backends backends = new Backends();
    try (Hypervisor hypervisor =
            backends.open(settings.backend().orElse(null), settings.backendOptions());
        Monitor monitor = builder.hypervisor(hypervisor).build()) {
      if (mib != settings.memoryMib()) {
        say("memory of %d MiB is rounded to %d MiB".formatted(settings.memoryMib(), mib));
      }
      if (settings.verbose()) {
        say("backend %s: %s".formatted(hypervisor.name(), hypervisor.description()));
        backends.passedOver(hypervisor).forEach(this::say);
      }
      // On Linux, where KVM is; without its backend, what it takes may not be there.
      if (hypervisor.name().equals("kvm")) {
        confine(settings);
      }
      RunHandle handle = monitor.start();
      output.stopOnFailure(handle);
      signals.stop(handle);
      Optional<RunResult> result = await(handle, settings.deadline());
      if (result.isEmpty()) {
        say("the guest does not stop although its deadline has passed: is its output read?");
        Runtime.getRuntime().halt(FAILED);
      }
      return status(result.orElseThrow(), output);
    }
  }

  private void confine(Settings settings) {
    String failure = Confinement.apply(settings.confined());
    if (failure != null && settings.verbose()) {
      say("system calls are not filtered: " + failure);
    }
  }

  private static Optional<RunResult> await(RunHandle handle, Optional<Duration> deadline)
      throws InterruptedException {
    return deadline.isEmpty()
        ? Optional.of(handle.await())
        : handle.await(deadline.get().plus(PATIENCE));
  }

  private static String seconds(Duration duration) {
    return BigDecimal.valueOf(duration.getSeconds())
        .add(BigDecimal.valueOf(duration.getNano(), 9))
        .stripTrailingZeros()
        .toPlainString();
  }

  /** Not a switch over patterns: making one costs a millisecond, which every start would pay. */
  private int status(RunResult result, StandardOutput output) {
    if (result instanceof RunResult.Halted halted) {
      if (halted.status() != 0 && halted.remark().isPresent()) {
        say("the guest met " + halted.remark().get());
      }
      return halted.status() & 0xff;
    }
    if (result instanceof RunResult.Faulted faulted) {
      say(faulted.reason());
    } else if (result instanceof RunResult.DeadlineExceeded exceeded) {
      say("the guest was stopped at its deadline of %s s".formatted(seconds(exceeded.limit())));
    } else {
      IOException failure = output.failure();
      if (failure != null) {
        say("the guest was stopped: standard output failed: " + failure.getMessage());
      }
    }
    return FAILED;
  }
}
