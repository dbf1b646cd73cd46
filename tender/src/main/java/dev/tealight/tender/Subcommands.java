// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import dev.tealight.spi.DeviceProvider;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Spec;

/** Everything but {@code run}, which must not wait for picocli to load. */
@Command(
    name = "tealight",
    description = "Runs unikernels.",
    mixinStandardHelpOptions = true,
    versionProvider = Subcommands.Versions.class,
    subcommands = {
      BuildCommand.class,
      InspectCommand.class,
      BackendsCommand.class,
      Subcommands.Completion.class,
      HelpCommand.class
    },
    footer = {
      "",
      "A first word that is no command is taken for run's: the command lines of Solo5's tender"
          + " work.",
      "More on run: tealight run --help"
    })
final class Subcommands implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  static int execute(String[] words) {
    return commandLine().execute(words);
  }

  static CommandLine commandLine() {
    CommandLine root = new CommandLine(new Subcommands());
    CommandSpec run = CommandSpec.create().name("run");
    run.usageMessage().description("Runs a unikernel: run [OPTIONS] [--] IMAGE [ARGUMENTS]");
    for (DeviceProvider.Option option : Usage.OPTIONS) {
      boolean flag = option.valueLabel().isEmpty();
      OptionSpec.Builder builder =
          OptionSpec.builder("--" + option.name()).description(option.help());
      run.addOption(
          flag
              ? builder.arity("0").build()
              : builder.paramLabel(option.valueLabel()).type(String.class).arity("1").build());
    }
    root.addSubcommand("run", new CommandLine(run));
    return root;
  }

  @Override
  public Integer call() {
    if (spec != null) {
      spec.commandLine().usage(spec.commandLine().getErr());
    }
    return 1;
  }

  /** Shows the version. */
  static final class Versions implements IVersionProvider {
    Versions() {}

    @Override
    public String[] getVersion() {
      return Version.text().split(System.lineSeparator(), -1);
    }
  }

  /** Writes a completion script. */
  @Command(
      name = "completion",
      description = "Writes a completion script for bash and zsh: source <(tealight completion)",
      mixinStandardHelpOptions = true)
  static final class Completion implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;

    @Override
    public Integer call() {
      if (spec != null) {
        spec.commandLine().getOut().println(AutoComplete.bash("tealight", commandLine()));
      }
      return 0;
    }
  }
}
