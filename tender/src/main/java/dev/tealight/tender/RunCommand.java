// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import dev.tealight.BackendOptions;
import dev.tealight.Console;
import dev.tealight.HostCallException;
import dev.tealight.Hypervisor;
import dev.tealight.Monitor;
import dev.tealight.RunHandle;
import dev.tealight.RunResult;
import dev.tealight.VmmException;
import dev.tealight.device.DeviceConfig;
import dev.tealight.ffi.kvm.KvmOptions;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.SyscallFilter;
import dev.tealight.softcpu.SoftcpuOptions;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** {@code tealight run}: one unikernel, from the command line to the exit status. */
final class RunCommand {

  /** The status for everything but the guest's own end. */
  private static final int FAILED = 1;

  /** How long a guest may take to stop before its thread is left behind, with the JVM. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  /** The unikernel that ships with the tender, and what it wants to be told. */
  private static final String HELLO = "hello.hvt";

  private static final String HELLO_ARGUMENT = "Hello_Solo5";

  private final OutputStream out;
  private final PrintStream err;

  /**
   * Creates one.
   *
   * @param out where the guest's output goes, unbuffered
   * @param err where messages go
   */
  RunCommand(OutputStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  /**
   * Runs a unikernel.
   *
   * @param words the command line
   * @param named whether it began with {@code run}; only then the image may be missing
   * @return the exit status: the low 8 bits of the guest's, or 1
   */
  int execute(String[] words, boolean named) {
    try {
      RunOptions options = RunOptions.parse(words);
      return switch (options.action()) {
        case HELP -> help();
        case VERSION -> version();
        case RUN -> run(options, named);
      };
    } catch (UsageException e) {
      say(e.getMessage());
      Usage.print(err, new DeviceOptions().providers());
    } catch (VmmException | InvalidPathException e) {
      say(e.getMessage());
    } catch (IOException e) {
      say("the unikernel that ships with Tealight cannot be read: " + e.getMessage());
    } catch (InterruptedException e) {
      say("interrupted");
    }
    return FAILED;
  }

  private int help() {
    Usage.print(new PrintStream(out), new DeviceOptions().providers());
    return 0;
  }

  private int version() {
    err.println(Version.text());
    return 0;
  }

  private void say(@Nullable String message) {
    err.println("tealight: " + message);
  }

  private int run(RunOptions options, boolean named)
      throws UsageException, IOException, InterruptedException {
    if (options.image() == null && !named) {
      throw new UsageException("no image was given");
    }
    Signals signals = new Signals(err, PATIENCE);
    Runtime.getRuntime().addShutdownHook(signals);

    Monitor.Builder builder = Monitor.builder();
    setImage(builder, options);
    // Solo5's tender rounds before it compares with the limit: 4097 MiB are 4096.
    builder.memoryByteSize(Math.max(options.memoryMib() & ~1L, 1) << 20);
    if (options.deadline() != null) {
      builder.deadline(options.deadline());
    }
    if (!options.deviceOptions().isEmpty()) {
      Map<String, DeviceConfig> devices = new DeviceOptions().configure(options.deviceOptions());
      for (Map.Entry<String, DeviceConfig> device : devices.entrySet()) {
        builder.device(device.getKey(), device.getValue());
      }
    }
    // No queue in between: as with a C tender, a guest waits for whoever reads its output.
    StandardOutput output = new StandardOutput(out);
    builder.console(Console.direct(output));
    Backends backends = new Backends();
    try (Hypervisor hypervisor = backends.open(options.backend(), backendOptions(options));
        Monitor monitor = builder.hypervisor(hypervisor).build()) {
      long mib = monitor.memory().byteSize() >>> 20;
      if (mib != options.memoryMib()) {
        say("memory of %d MiB is rounded to %d MiB".formatted(options.memoryMib(), mib));
      }
      if (options.isVerbose()) {
        say("backend %s: %s".formatted(hypervisor.name(), hypervisor.description()));
        backends.passedOver(hypervisor).forEach(this::say);
      }
      confine(hypervisor, options);
      RunHandle handle = monitor.start();
      output.stopOnFailure(handle);
      signals.stop(handle);
      Optional<RunResult> result = await(handle, options.deadline());
      if (result.isEmpty()) {
        say("the guest does not stop although its deadline has passed: is its output read?");
        Runtime.getRuntime().halt(FAILED);
      }
      return status(result.orElseThrow(), output);
    }
  }

  private static Optional<? extends BackendOptions> backendOptions(RunOptions options) {
    if (options.seed() != null) {
      return Optional.of(SoftcpuOptions.repeatable(options.seed()));
    }
    return Optional.ofNullable(options.ring3()).map(KvmOptions.DEFAULT::withRing3);
  }

  /** Gives up the system calls that are not needed any more; on Linux, where KVM is. */
  private void confine(Hypervisor hypervisor, RunOptions options) {
    if (!hypervisor.name().equals("kvm")) {
      return;
    }
    // Prepared in any case, for the launcher: it records which classes a start needs in a run
    // without
    // the filter, which would keep the record from being written.
    SyscallFilter filter = new SyscallFilter(HostCalls.system());
    if (!options.isConfined()) {
      return;
    }
    try {
      filter.install();
    } catch (HostCallException e) {
      // A kernel without seccomp, or a sandbox around us that forbids it.
      if (options.isVerbose()) {
        say("system calls are not filtered: " + e.getMessage());
      }
    }
  }

  private void setImage(Monitor.Builder builder, RunOptions options) throws IOException {
    if (options.image() != null) {
      builder.image(Path.of(options.image())).arguments(options.guestArguments());
      return;
    }
    say("no image was given: running the unikernel hello, which ships with Tealight");
    try (InputStream hello = RunCommand.class.getResourceAsStream(HELLO)) {
      if (hello == null) {
        throw new IOException("no resource " + HELLO);
      }
      builder.image(HELLO, hello.readAllBytes()).arguments(HELLO_ARGUMENT);
    }
  }

  private static Optional<RunResult> await(RunHandle handle, @Nullable Duration deadline)
      throws InterruptedException {
    return deadline == null ? Optional.of(handle.await()) : handle.await(deadline.plus(PATIENCE));
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
      say("the guest was stopped at its deadline of " + exceeded.limit());
    } else {
      IOException failure = output.failure();
      if (failure != null) {
        say("the guest was stopped: standard output failed: " + failure.getMessage());
      }
    }
    return FAILED;
  }
}
