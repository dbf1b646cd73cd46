// SPDX-License-Identifier: ISC
package dev.tealight.build;

import dev.tealight.launch.BuiltMonitor;
import java.util.ArrayList;
import java.util.List;

/** The script that starts a monitor, and the command line that it makes. */
final class LauncherScript {

  /**
   * The software CPU is a long-running program for the JVM's compilers: it gets all of them.
   * Everything else starts with the first tier of the compiler, beginning late, because most of
   * what a compiler does in so short a time is in vain.
   */
  private static final List<String> COMMON =
      List.of("-XX:+UseSerialGC", "-XX:-UsePerfData", "-Xlog:disable");

  private static final List<String> SHORT =
      List.of("-XX:TieredStopAtLevel=1", "-XX:CompileThresholdScaling=20");

  private LauncherScript() {}

  /**
   * {@return the JVM's options, but for the cache}
   *
   * @param plan of the monitor
   * @param backend one of its backends
   */
  static List<String> options(MonitorPlan plan, String backend) {
    List<String> options = new ArrayList<>(COMMON);
    if (!backend.equals("softcpu")) {
      options.addAll(SHORT);
    }
    if (contains(plan, InstalledModules.NATIVE_ACCESS)) {
      options.add("--enable-native-access=" + InstalledModules.NATIVE_ACCESS);
      // The linker's check of its own recipes, which are the same at each start.
      options.add("-Djava.lang.foreign.VERIFY_BINDINGS=false");
    }
    return options;
  }

  /**
   * {@return module and class that are started}
   *
   * @param plan of the monitor
   */
  static String main(MonitorPlan plan) {
    String module =
        contains(plan, InstalledModules.OPTIONS)
            ? InstalledModules.OPTIONS
            : InstalledModules.LAUNCH;
    return module + "/" + module + ".Main";
  }

  private static boolean contains(MonitorPlan plan, String module) {
    return plan.modules().stream().anyMatch(linked -> linked.name().equals(module));
  }

  /**
   * {@return the script}
   *
   * @param plan of the monitor
   */
  static String of(MonitorPlan plan) {
    StringBuilder cases = new StringBuilder();
    for (String backend : plan.backends()) {
      cases.append(
          "  %s) flags=\"%s\" ;;\n".formatted(backend, String.join(" ", options(plan, backend))));
    }
    return """
    #!/bin/sh
    # Runs the unikernel %1$s. Made by "tealight build".
    set -u
    script=$0
    [ -L "$script" ] && script=$(readlink -f -- "$script")
    case $script in
      */*) root=${script%%/*} ;;
      *) root=. ;;
    esac
    backend=${TEALIGHT_BACKEND:-}
    [ -n "$backend" ] && set -- -D%2$s="$backend" -m %3$s "$@" || set -- -m %3$s "$@"
    [ -n "${TEALIGHT_VERBOSE:-}" ] && set -- -D%4$s=true "$@"
    %5$scase $backend in
    %6$s  *)
        echo "tealight: backend $backend is not in this monitor, there is: %7$s" >&2
        exit 1
        ;;
    esac
    [ -e "$root/$backend.aot" ] && set -- -XX:AOTCache="$root/$backend.aot" "$@"
    # shellcheck disable=SC2086 # flags are words
    exec "$root/runtime/bin/java" $flags "$@"
    """
        .formatted(
            plan.name(),
            BuiltMonitor.BACKEND_PROPERTY,
            main(plan),
            BuiltMonitor.VERBOSE_PROPERTY,
            guess(plan.backends()),
            cases,
            String.join(", ", plan.backends()));
  }

  /** What will probably be chosen, to pick the flags by: the monitor itself finds out. */
  private static String guess(List<String> backends) {
    StringBuilder guess = new StringBuilder();
    String last = backends.getLast();
    String otherwise = "";
    for (String backend : backends) {
      String device =
          switch (backend) {
            case "kvm" -> "[ -r /dev/kvm ] && [ -w /dev/kvm ]";
            case "bhyve" -> "[ -e /dev/vmmctl ]";
            default -> "";
          };
      if (device.isEmpty()) {
        otherwise = backend;
      } else if (backends.size() > 1) {
        guess.append("[ -z \"$backend\" ] && %s && backend=%s\n".formatted(device, backend));
      }
    }
    return guess
        .append(
            "[ -z \"$backend\" ] && backend=%s\n".formatted(otherwise.isEmpty() ? last : otherwise))
        .toString();
  }
}
