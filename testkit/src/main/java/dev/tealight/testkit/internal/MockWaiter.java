// SPDX-License-Identifier: ISC

package dev.tealight.testkit.internal;

import dev.tealight.ReadinessSource;
import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import dev.tealight.testkit.VirtualTime;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A waiter that sleeps on a lock, or lets {@link VirtualTime} pass instead of sleeping. It cannot
 * poll descriptors, so it looks at sources that have one every millisecond.
 */
public final class MockWaiter implements Waiter {
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  private final Runnable beforeAwait;
  private final Runnable onClose;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  // Guarded by the lock.
  private boolean woken;
  private boolean closed;

  /**
   * Creates one.
   *
   * @param beforeAwait called first in each {@link #await}; may throw
   * @param onClose called once
   */
  public MockWaiter(Runnable beforeAwait, Runnable onClose) {
    this.beforeAwait = beforeAwait;
    this.onClose = onClose;
  }

  @Override
  public void await(TimeSource time, long deadlineNanos, List<ReadinessSource> sources) {
    beforeAwait.run();
    boolean interrupted = false;
    try {
      // Sources are asked without the lock: they may wake while they hold a lock of their own.
      while (!takeWakeUp() && sources.stream().noneMatch(ReadinessSource::isReady)) {
        if (deadlineNanos != NO_DEADLINE && time instanceof VirtualTime virtual) {
          virtual.advanceTo(deadlineNanos);
          return;
        }
        long nanos = NO_DEADLINE;
        if (deadlineNanos != NO_DEADLINE) {
          nanos = deadlineNanos - time.monotonicNanos();
          if (nanos <= 0) {
            return;
          }
        }
        boolean look = sources.stream().anyMatch(source -> source.descriptor() >= 0);
        interrupted |= sleep(look ? Math.min(nanos, LOOK_NANOS) : nanos);
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private boolean takeWakeUp() {
    lock.lock();
    try {
      if (closed) {
        throw new IllegalStateException("the waiter is closed");
      }
      boolean taken = woken;
      woken = false;
      return taken;
    } finally {
      lock.unlock();
    }
  }

  /** Sleeps until woken or for a while; tells whether the thread was interrupted meanwhile. */
  private boolean sleep(long nanos) {
    lock.lock();
    try {
      long left = nanos;
      while (!woken && left > 0) {
        left = changed.awaitNanos(left);
      }
      return false;
    } catch (InterruptedException e) {
      return true;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void wake() {
    lock.lock();
    try {
      woken = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
    } finally {
      lock.unlock();
    }
    onClose.run();
  }
}
