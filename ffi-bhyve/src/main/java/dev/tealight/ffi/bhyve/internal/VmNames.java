// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import java.util.Collection;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The names of our VMs: {@code tealight-PROCESS-RANDOM}. Before FreeBSD 16 a VM outlives a process
 * that crashes; by its name it is found again.
 */
final class VmNames {
  private static final Pattern OURS = Pattern.compile("tealight-([0-9]{1,10})-[0-9a-f]{8}");

  private VmNames() {}

  /** {@return a name for a VM of this process that most likely nobody uses} */
  static String unused() {
    return "tealight-%d-%08x"
        .formatted(ProcessHandle.current().pid(), ThreadLocalRandom.current().nextInt());
  }

  /**
   * {@return those of the names that processes of this library gave which have ended}
   *
   * @param names of all VMs of the host
   * @param alive whether there is a process of this number
   */
  static List<String> stale(Collection<String> names, LongPredicate alive) {
    return names.stream()
        .filter(
            name -> {
              Matcher ours = OURS.matcher(name);
              return ours.matches() && !alive.test(Long.parseLong(ours.group(1)));
            })
        .sorted()
        .toList();
  }
}
