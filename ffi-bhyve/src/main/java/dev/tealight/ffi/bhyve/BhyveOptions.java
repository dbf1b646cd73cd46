// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve;

import dev.tealight.BackendOptions;
import dev.tealight.ConfigurationException;
import java.time.Duration;
import java.util.Objects;

/**
 * Options of the bhyve backend.
 *
 * @param removeStaleVms whether opening the backend destroys the VMs that ended processes of this
 *     library left in the kernel; without it they are reported in the log. A process in another
 *     jail that this one cannot see counts as ended
 * @param stallLimit after which a vCPU that cannot go on is given up, positive. An AMD processor
 *     that shut down (a triple fault) does not leave the kernel: it is recognised by making no
 *     progress for this long and having no handler for exceptions
 */
public record BhyveOptions(boolean removeStaleVms, Duration stallLimit) implements BackendOptions {

  /** The defaults: stale VMs stay, two seconds. */
  public static final BhyveOptions DEFAULT = new BhyveOptions(false, Duration.ofSeconds(2));

  /** Checks them. */
  public BhyveOptions {
    Objects.requireNonNull(stallLimit, "stallLimit");
    if (!stallLimit.isPositive()) {
      throw new ConfigurationException(
          "stall limit of %s: give a positive duration".formatted(stallLimit));
    }
  }

  @Override
  public String backend() {
    return "bhyve";
  }
}
