// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import dev.tealight.Hypervisor;
import dev.tealight.VmmException;
import dev.tealight.launch.Backends;
import dev.tealight.spi.Availability;
import dev.tealight.spi.HypervisorProvider;
import java.io.PrintWriter;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code tealight backends}: what could run guests, in the order in which it is tried. */
@Command(
    name = "backends",
    description = "Lists the backends in the order in which they are tried.",
    mixinStandardHelpOptions = true)
final class BackendsCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() {
    if (spec == null) {
      return 1;
    }
    PrintWriter out = spec.commandLine().getOut();
    Ansi ansi = spec.commandLine().getColorScheme().ansi();
    boolean found = false;
    for (HypervisorProvider provider : new Backends().providers()) {
      found = true;
      String byName = provider.preference().isEmpty() ? " (only taken by name)" : "";
      String state =
          switch (provider.availability()) {
            case Availability.Available _ ->
                ansi.string("@|green available|@") + byName + ": " + description(provider);
            case Availability.Unavailable unavailable ->
                ansi.string("@|red unavailable|@")
                    + byName
                    + ": "
                    + Backends.reason(provider, unavailable);
          };
      out.println("%-10s %s".formatted(provider.name(), state));
    }
    if (!found) {
      out.println("no backend is installed");
    }
    return 0;
  }

  /** Opened, a backend tells more: what it chose for its guests. */
  private static String description(HypervisorProvider provider) {
    try (Hypervisor hypervisor = provider.open(Optional.empty())) {
      return hypervisor.description();
    } catch (VmmException e) {
      return "but it cannot be opened: " + e.getMessage();
    }
  }
}
