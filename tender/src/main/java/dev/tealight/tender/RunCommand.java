// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import dev.tealight.BackendOptions;
import dev.tealight.Monitor;
import dev.tealight.VmmException;
import dev.tealight.device.DeviceConfig;
import dev.tealight.ffi.kvm.KvmOptions;
import dev.tealight.launch.GuestProcess;
import dev.tealight.options.DeviceOptions;
import dev.tealight.options.UsageException;
import dev.tealight.softcpu.SoftcpuOptions;
import dev.tealight.solo5.Solo5;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** {@code tealight run}: one unikernel, from the command line to the exit status. */
final class RunCommand {

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
      Usage.printShort(err);
    } catch (VmmException | InvalidPathException e) {
      say(e.getMessage());
    } catch (IOException e) {
      say("the unikernel that ships with Tealight cannot be read: " + e.getMessage());
    } catch (InterruptedException e) {
      say("interrupted");
    }
    return GuestProcess.FAILED;
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
    GuestProcess process = new GuestProcess(out, err);
    Monitor.Builder builder = Monitor.builder();
    setImage(builder, options);
    if (!options.hasNetRing()) {
      builder.bootProtocol(Solo5.PROTOCOL_WITHOUT_RING);
    }
    if (!options.deviceOptions().isEmpty()) {
      Map<String, DeviceConfig> devices = new DeviceOptions().configure(options.deviceOptions());
      for (Map.Entry<String, DeviceConfig> device : devices.entrySet()) {
        builder.device(device.getKey(), device.getValue());
      }
    }
    return process.run(
        builder,
        new GuestProcess.Settings(
            Optional.ofNullable(options.backend()),
            backendOptions(options),
            options.memoryMib(),
            Optional.ofNullable(options.deadline()),
            options.isVerbose(),
            options.isConfined()));
  }

  private static Optional<? extends BackendOptions> backendOptions(RunOptions options) {
    if (options.seed() != null) {
      return Optional.of(SoftcpuOptions.repeatable(options.seed()));
    }
    return Optional.ofNullable(options.ring3()).map(KvmOptions.DEFAULT::withRing3);
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
}
