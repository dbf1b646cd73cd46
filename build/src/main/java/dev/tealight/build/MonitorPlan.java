// SPDX-License-Identifier: ISC
package dev.tealight.build;

import java.util.List;

/**
 * What a monitor will consist of.
 *
 * @param name of the launcher
 * @param target of the image: {@code hvt} or {@code virtio}
 * @param backends names of those inside, in the order in which they were asked for
 * @param modules all that are linked, those of the JDK included, by name
 */
public record MonitorPlan(
    String name, String target, List<String> backends, List<LinkedModule> modules) {

  /**
   * A module of a monitor.
   *
   * @param name of the module
   * @param reason why it is in
   */
  public record LinkedModule(String name, String reason) {}

  /** Makes the lists immutable. */
  public MonitorPlan {
    backends = List.copyOf(backends);
    modules = List.copyOf(modules);
  }
}
