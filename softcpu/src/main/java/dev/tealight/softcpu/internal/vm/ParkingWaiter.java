// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.vm;

import dev.tealight.ReadinessSource;
import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Waits by parking the thread. */
final class ParkingWaiter implements Waiter {
  /** The clock need not follow real time: it is looked at this often. */
  private static final long CLOCK_LOOK_NANOS = 10_000_000;

  /**
   * Descriptors cannot be polled from here: they are looked at this often, and less the longer
   * nothing comes.
   */
  private static final long DESCRIPTOR_LOOK_NANOS = 1_000_000;

  private static final long IDLE_DESCRIPTOR_LOOK_NANOS = 8_000_000;

  private volatile boolean woken;
  private volatile @Nullable Thread waiting;

  @Override
  public void await(TimeSource time, long deadlineNanos, List<ReadinessSource> sources) {
    waiting = Thread.currentThread();
    try {
      boolean descriptors = hasDescriptors(sources);
      long longest =
          descriptors
              ? DESCRIPTOR_LOOK_NANOS
              : deadlineNanos == NO_DEADLINE ? Long.MAX_VALUE : CLOCK_LOOK_NANOS;
      while (!woken && !anyReady(sources)) {
        long left =
            deadlineNanos == NO_DEADLINE ? Long.MAX_VALUE : deadlineNanos - time.monotonicNanos();
        if (left <= 0) {
          break;
        }
        LockSupport.parkNanos(this, Math.min(left, longest));
        if (descriptors) {
          longest = Math.min(2 * longest, IDLE_DESCRIPTOR_LOOK_NANOS);
        }
        if (Thread.currentThread().isInterrupted()) {
          break; // parking no longer blocks; the caller looks at why it was interrupted
        }
      }
    } finally {
      waiting = null;
      woken = false;
    }
  }

  static boolean hasDescriptors(List<ReadinessSource> sources) {
    for (int i = 0; i < sources.size(); i++) {
      if (sources.get(i).descriptor() >= 0) {
        return true;
      }
    }
    return false;
  }

  static boolean anyReady(List<ReadinessSource> sources) {
    for (int i = 0; i < sources.size(); i++) {
      if (sources.get(i).isReady()) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void wake() {
    woken = true;
    LockSupport.unpark(waiting);
  }

  @Override
  public void close() {}
}
