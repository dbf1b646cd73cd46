// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import dev.tealight.internal.host.Threads;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Rings at a given time: how a timer's interrupt reaches a guest that computes and does not exit.
 * The thread that does it is started by the first use.
 */
final class Alarm implements AutoCloseable {
  private final Waiter waiter;
  private final TimeSource time;
  private final Runnable ring;
  private final Consumer<Throwable> failed;
  private final String threadName;
  // Each is written by one thread before it reads the other's, so that one of them sees a change.
  private volatile long deadlineNanos = Waiter.NO_DEADLINE;
  private volatile long sleepingUntilNanos = Waiter.NO_DEADLINE;
  private volatile boolean closed;
  private @Nullable Thread thread;

  /**
   * Creates one that is not set.
   *
   * @param waiter used by nobody else; closed after this
   * @param ring what to do, on the alarm's thread
   * @param failed told, on the alarm's thread, that it will never ring again
   */
  Alarm(
      Waiter waiter,
      TimeSource time,
      Runnable ring,
      Consumer<Throwable> failed,
      String threadName) {
    this.waiter = waiter;
    this.time = time;
    this.ring = ring;
    this.failed = failed;
    this.threadName = threadName;
  }

  /**
   * Sets the time to ring, replacing an earlier one. One thread at a time.
   *
   * @param nanos or {@link Waiter#NO_DEADLINE} for never
   */
  void set(long nanos) {
    if (nanos == deadlineNanos) {
      return;
    }
    deadlineNanos = nanos;
    if (nanos < sleepingUntilNanos) {
      if (thread == null) {
        thread = Thread.ofPlatform().daemon().name(threadName).start(this::run);
      } else {
        waiter.wake();
      }
    }
  }

  private void run() {
    try {
      watch();
    } catch (Throwable e) { // a guest without its timer would hang
      failed.accept(e);
    }
  }

  private void watch() {
    long rung = Waiter.NO_DEADLINE;
    while (!closed) {
      long set = deadlineNanos;
      long until = set == rung ? Waiter.NO_DEADLINE : set;
      sleepingUntilNanos = until;
      if (set != deadlineNanos) {
        continue;
      }
      waiter.await(time, until, List.of());
      if (until == deadlineNanos && time.monotonicNanos() >= until) {
        rung = until;
        ring.run();
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    waiter.wake();
    Threads.join(thread);
  }
}
