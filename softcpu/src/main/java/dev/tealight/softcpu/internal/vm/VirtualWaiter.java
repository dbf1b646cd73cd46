// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.vm;

import dev.tealight.ReadinessSource;
import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import java.util.List;

/**
 * Lets virtual time jump over the waits of a guest. Waits without a deadline, and those for
 * something the guest does not learn of, take real time and no virtual time.
 */
final class VirtualWaiter implements Waiter {
  private final Waiter realTime = new SoftcpuWaiter();

  @Override
  public void await(TimeSource time, long deadlineNanos, List<ReadinessSource> sources) {
    if (deadlineNanos != NO_DEADLINE
        && time instanceof VirtualEnvironment clock
        && clock.isOwnThread()
        && areGuestsOwn(sources)) {
      if (!ParkingWaiter.anyReady(sources)) {
        clock.waitUntil(deadlineNanos);
      }
      return;
    }
    realTime.await(time, deadlineNanos, sources);
  }

  private static boolean areGuestsOwn(List<ReadinessSource> sources) {
    for (int i = 0; i < sources.size(); i++) {
      if (!sources.get(i).isSeenByGuest()) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void wake() {
    realTime.wake();
  }

  @Override
  public void close() {
    realTime.close();
  }
}
