// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import dev.tealight.VmExit;
import java.util.List;

/**
 * What a guest on the {@link MockHypervisor} does: asked for the next exit whenever its vCPU is
 * run.
 *
 * <p>A script plays the guest's part between two exits too: it may look at and change memory and
 * registers, and check what the monitor did about the exit before. What it throws comes out of
 * {@link MockVcpu#run}, so that a failed assertion fails the run.
 *
 * <p>One script may play on several vCPUs at once; its place is kept by each of them, see {@link
 * MockVcpu#step}.
 */
@FunctionalInterface
public interface GuestScript {

  /**
   * Plays the guest until it leaves guest mode. vCPU thread only.
   *
   * @param guest the vCPU it plays on
   * @return why it leaves
   */
  VmExit next(MockVcpu guest);

  /**
   * {@return a script that plays exits in their order} To run its guest on after the last one is an
   * {@link IllegalStateException}.
   *
   * @param exits in the order of play
   */
  static GuestScript exits(VmExit... exits) {
    List<VmExit> list = List.of(exits);
    return guest -> list.get(checkedStep(guest, list.size()));
  }

  /**
   * {@return a script that plays other scripts in their order, for one exit each} To run its guest
   * on after the last one is an {@link IllegalStateException}.
   *
   * @param steps in the order of play
   */
  static GuestScript sequence(GuestScript... steps) {
    List<GuestScript> list = List.of(steps);
    return guest -> list.get(checkedStep(guest, list.size())).next(guest);
  }

  /** {@return a script that never leaves guest mode unless it is kicked: an endless loop} */
  static GuestScript spin() {
    return MockVcpu::spin;
  }

  private static int checkedStep(MockVcpu guest, int count) {
    if (guest.step() >= count) {
      throw new IllegalStateException(
          "the script has %d steps and the guest was run on after the last: end the run with it, or add steps"
              .formatted(count));
    }
    return guest.step();
  }
}
