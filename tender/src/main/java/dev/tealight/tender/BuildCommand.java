// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import dev.tealight.VmmException;
import dev.tealight.build.MonitorBuild;
import dev.tealight.build.MonitorPlan.LinkedModule;
import dev.tealight.options.DeviceOption;
import dev.tealight.options.UsageException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code tealight build}: a monitor for one unikernel. */
@Command(
    name = "build",
    description = "Builds a monitor for one unikernel, with the Java runtime it needs.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Words behind -- are a command line of run, whose options become the monitor's defaults:",
      "tealight build -o web -- --mem=64 web.hvt --port=80"
    })
final class BuildCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "DIR",
      description = "folder to be created; one that holds a built monitor is replaced")
  private @Nullable Path output;

  @Option(
      names = "--backend",
      split = ",",
      paramLabel = "NAME",
      description = "backends to be inside; kvm unless given, bhyve on FreeBSD")
  private @Nullable List<String> backends;

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description = "name of the launcher; that of the image unless given")
  private @Nullable String name;

  @Option(
      names = "--jmods",
      paramLabel = "DIR",
      description =
          "modules of the JDK, for instance for another platform; of this JDK unless given")
  private @Nullable Path jmods;

  @Option(
      names = "--tar",
      paramLabel = "FILE",
      description = "write the monitor as a tar archive too, for instance for a container")
  private @Nullable Path tar;

  @Option(
      names = "--no-cache",
      description =
          "leave out the caches that make starts faster: they need a run of the guest, and differ"
              + " from build to build")
  private boolean uncached;

  @Option(names = "--dry-run", description = "only list the modules, and why each is in")
  private boolean dryRun;

  @Parameters(
      arity = "1..*",
      paramLabel = "IMAGE [ARGUMENTS]",
      description = "file of a Solo5 unikernel, and its default arguments")
  private List<String> words = List.of();

  @Override
  public Integer call() {
    if (spec == null || output == null) {
      return 1;
    }
    PrintWriter err = spec.commandLine().getErr();
    try {
      MonitorBuild build = configure(RunOptions.parse(words.toArray(String[]::new)));
      if (dryRun) {
        PrintWriter out = spec.commandLine().getOut();
        for (LinkedModule module : build.plan().modules()) {
          out.println("%-28s %s".formatted(module.name(), module.reason()));
        }
        return 0;
      }
      build.progress(
          line -> {
            err.println("tealight: " + line);
            err.flush();
          });
      Cancellation cancellation = new Cancellation(Thread.currentThread(), err);
      Runtime.getRuntime().addShutdownHook(cancellation);
      try {
        build.to(output);
      } finally {
        cancellation.finish();
      }
      return 0;
    } catch (InterruptedException e) {
      return 1; // By the signal, which was told.
    } catch (UsageException | VmmException | IOException e) {
      err.println("tealight: " + e.getMessage());
      return 1;
    }
  }

  private MonitorBuild configure(RunOptions options) throws UsageException {
    if (options.action() != RunOptions.Action.RUN || options.isVerbose()) {
      throw new UsageException("--help, --version and --verbose cannot become defaults");
    }
    if (options.seed() != null) {
      throw new UsageException("--virtual-time cannot become a default of a built monitor");
    }
    if (!options.hasNetRing()) {
      throw new UsageException("--net-ring=off cannot become a default of a built monitor");
    }
    if (options.image() == null) {
      throw new UsageException("no image was given");
    }
    MonitorBuild build =
        MonitorBuild.of(Path.of(options.image()))
            .memoryMib(options.memoryMib())
            .confined(options.isConfined())
            .arguments(List.of(options.guestArguments()))
            .deviceOptions(options.deviceOptions().stream().map(DeviceOption::toString).toList());
    if (options.deadline() != null) {
      build.deadline(options.deadline());
    }
    if (options.ring3() != null) {
      build.ring3(options.ring3().name().toLowerCase(Locale.ROOT));
    }
    if (backends != null) {
      build.backends(backends.toArray(String[]::new));
    } else if (options.backend() != null) {
      build.backends(options.backend());
    }
    if (name != null) {
      build.name(name);
    }
    build.cached(!uncached);
    if (tar != null) {
      build.tar(tar);
    }
    if (jmods != null) {
      build.jmods(jmods);
    }
    return build;
  }

  /**
   * Stops the build on SIGINT, SIGTERM and SIGHUP, which make the JVM shut down and so run this
   * thread; the main thread meanwhile removes what there is and ends the process with status 1.
   */
  private static final class Cancellation extends Thread {
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final Thread builder;
    private final PrintWriter err;
    private volatile boolean finished;

    Cancellation(Thread builder, PrintWriter err) {
      super("signals");
      this.builder = builder;
      this.err = err;
    }

    /** From here on, there is nothing to stop. */
    void finish() {
      finished = true;
    }

    @Override
    public void run() {
      if (finished) {
        return;
      }
      err.println("tealight: stopped by a signal");
      err.flush();
      builder.interrupt();
      try {
        Thread.sleep(PATIENCE);
      } catch (InterruptedException e) {
        // Nobody interrupts it; if somebody does, the JVM may as well end now.
      }
    }
  }
}
