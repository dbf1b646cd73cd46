// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import dev.tealight.ReadinessSource;
import dev.tealight.RunResult;
import dev.tealight.device.GuestCall;
import dev.tealight.device.Outcome;
import dev.tealight.spi.Platform;
import java.util.List;

/**
 * Connects a platform whose interrupt controller and timer the hypervisor has. It delivers
 * interrupts, and a halted guest sleeps there, where no exit tells of it. What comes from outside
 * therefore always kicks the vCPU: the devices then take it and ask for their interrupts. Sources
 * without a descriptor kick it by themselves, for the others there is a watch. vCPU thread only.
 */
final class HostedLink extends PlatformLink {
  private final Watch watch;
  private final Runnable kick;
  private final List<ReadinessSource> described;
  private final List<ReadinessSource> others;
  private final HandlerTable.Entry halt = new HandlerTable.Entry("HLT", HostedLink::halted);
  private boolean kicked; // before the last entry

  /**
   * Connects them.
   *
   * @param watch kicks the vCPU
   * @param kick the same at once
   * @param described those sources that have a descriptor, in the order that the watch knows
   * @param others the other ones
   */
  HostedLink(
      Platform platform,
      Watch watch,
      Runnable kick,
      List<ReadinessSource> described,
      List<ReadinessSource> others) {
    super(platform);
    this.watch = watch;
    this.kick = kick;
    this.described = described;
    this.others = others;
  }

  @Override
  HandlerTable.Entry halt() {
    return halt;
  }

  /** Interrupts are off, or it would not come out: this is how guests end that cannot power off. */
  private static Outcome halted(GuestCall call) {
    return call.end(new RunResult.Halted(0));
  }

  /**
   * Watches the sources whose devices have room, and no others: a source that stays ready would
   * kick the vCPU for ever. Devices get room by an access of the guest, after which it is asked
   * again.
   */
  @Override
  void beforeEntry() {
    int wanted = 0;
    for (int i = 0; i < described.size(); i++) { // an iterator would be an object
      if (platform.takesFrom(described.get(i))) {
        wanted |= 1 << i;
      }
    }
    boolean more = hasMore();
    if (more && kicked) {
      // Taking did not empty it: the guest has to get on, too.
      wanted |= Watch.SOON;
    } else if (more) {
      kick.run();
    }
    kicked = more;
    watch.set(wanted);
  }

  /**
   * {@return whether a source without a descriptor has more than was taken} One that has not tells
   * of the next, since it was asked.
   */
  private boolean hasMore() {
    boolean any = false;
    for (int i = 0; i < others.size(); i++) {
      ReadinessSource source = others.get(i);
      any |= platform.takesFrom(source) && source.isReady();
    }
    return any;
  }
}
