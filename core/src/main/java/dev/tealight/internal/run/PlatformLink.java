// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import dev.tealight.device.GuestCall;
import dev.tealight.device.Outcome;
import dev.tealight.spi.Platform;

/** What a run loop does for a guest on a platform. vCPU thread only. */
abstract class PlatformLink {
  final Platform platform;
  private final HandlerTable.Entry poll = new HandlerTable.Entry("devices", this::poll);

  PlatformLink(Platform platform) {
    this.platform = platform;
  }

  /** {@return who serves the exit of a halted vCPU} */
  abstract HandlerTable.Entry halt();

  /** {@return who lets devices take what came from outside, between two runs of the guest} */
  final HandlerTable.Entry poll() {
    return poll;
  }

  /** The guest may get on, so that frames without a buffer are kept. */
  private Outcome poll(GuestCall call) {
    platform.poll(false);
    return Outcome.CONTINUE;
  }

  /** Sees to it that interrupts reach the guest. Called before each entry; allocates nothing. */
  abstract void beforeEntry();
}
