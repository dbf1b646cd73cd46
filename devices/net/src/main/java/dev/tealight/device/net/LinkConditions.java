// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import dev.tealight.ConfigurationException;
import java.time.Duration;

/**
 * What happens to the frames on their way to a {@link SwitchPort}. The same seed and the same
 * frames in the same order have the same fate. Immutable.
 *
 * @param seed of all decisions
 * @param delay how long each frame is under way
 * @param loss share of the frames that are lost, 0 to 1
 * @param duplication share of the frames that come twice, 0 to 1
 * @param reordering share of the frames that come after the one behind them, 0 to 1; a frame with
 *     none behind it comes 20 ms later
 */
public record LinkConditions(
    long seed, Duration delay, double loss, double duplication, double reordering) {

  /** Frames come at once, each one, once and in order. */
  public static final LinkConditions PERFECT = seeded(0);

  /** Refuses what cannot be. */
  public LinkConditions {
    if (delay.isNegative() || delay.compareTo(Duration.ofMinutes(1)) > 0) {
      throw new ConfigurationException("delay of %s: give from 0 to a minute".formatted(delay));
    }
    checkShare("loss", loss);
    checkShare("duplication", duplication);
    checkShare("reordering", reordering);
  }

  private static void checkShare(String what, double share) {
    if (!(share >= 0 && share <= 1)) {
      throw new ConfigurationException("%s of %s: give from 0 to 1".formatted(what, share));
    }
  }

  /**
   * {@return perfect conditions, to be made worse}
   *
   * @param seed of all decisions
   */
  public static LinkConditions seeded(long seed) {
    return new LinkConditions(seed, Duration.ZERO, 0, 0, 0);
  }

  /**
   * {@return these conditions with another delay}
   *
   * @param time 0 to a minute
   */
  public LinkConditions withDelay(Duration time) {
    return new LinkConditions(seed, time, loss, duplication, reordering);
  }

  /**
   * {@return these conditions with another loss}
   *
   * @param share 0 to 1
   */
  public LinkConditions withLoss(double share) {
    return new LinkConditions(seed, delay, share, duplication, reordering);
  }

  /**
   * {@return these conditions with another duplication}
   *
   * @param share 0 to 1
   */
  public LinkConditions withDuplication(double share) {
    return new LinkConditions(seed, delay, loss, share, reordering);
  }

  /**
   * {@return these conditions with another reordering}
   *
   * @param share 0 to 1
   */
  public LinkConditions withReordering(double share) {
    return new LinkConditions(seed, delay, loss, duplication, share);
  }
}
