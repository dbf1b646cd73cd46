// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve;

import dev.tealight.BackendOptions;
import dev.tealight.ConfigurationException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * Options of the bhyve backend.
 *
 * @param removeStaleVms whether opening the backend destroys the VMs that ended processes of this
 *     library left in the kernel; without it they are reported in the log. A process in another
 *     jail that this one cannot see counts as ended
 * @param stallLimit after which a vCPU that cannot go on is given up, positive. An AMD processor
 *     that shut down (a triple fault) does not leave the kernel: it is recognised by making no
 *     progress for this long and having no handler for exceptions
 * @param recording a file, created or emptied, to which all calls to the kernel are recorded with
 *     what became of guest memory between them; runs are much slower then. The project's page on
 *     recordings of bhyve tells what can be done with it
 */
public record BhyveOptions(boolean removeStaleVms, Duration stallLimit, Optional<Path> recording)
    implements BackendOptions {

  /** The defaults: stale VMs stay, two seconds. */
  public static final BhyveOptions DEFAULT = new BhyveOptions(false, Duration.ofSeconds(2));

  /**
   * Options without a recording.
   *
   * @param removeStaleVms see the record
   * @param stallLimit see the record
   */
  public BhyveOptions(boolean removeStaleVms, Duration stallLimit) {
    this(removeStaleVms, stallLimit, Optional.empty());
  }

  /** Checks them. */
  public BhyveOptions {
    Objects.requireNonNull(stallLimit, "stallLimit");
    Objects.requireNonNull(recording, "recording");
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
