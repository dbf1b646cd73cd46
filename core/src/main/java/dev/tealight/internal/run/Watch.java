// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import dev.tealight.ConfigurationException;
import dev.tealight.ReadinessSource;
import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import dev.tealight.internal.host.Threads;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Rings once when one of some descriptors has input: how it reaches a guest that computes or sleeps
 * where the monitor does not see it. The thread that waits is started by the first use.
 *
 * <p>No input is missed: a descriptor is polled after its source was set, so that input which came
 * before rings at once. Input that stays rings again only when it is set again, and a descriptor in
 * error, which would always do so, ten times a second at most.
 */
final class Watch implements AutoCloseable {
  /** Bit to be set for what no descriptor tells of: rings a little later. */
  static final int SOON = 1 << 31;

  private static final int NOTHING = 0;
  private static final long SOON_NANOS = 1_000_000;
  private static final long MUTE_NANOS = 100_000_000;

  private final Waiter waiter;
  private final TimeSource time;
  private final Runnable ring;
  private final Consumer<Throwable> failed;
  private final String threadName;
  private final List<Watched> all = new ArrayList<>();

  // Of the watching thread.
  private int listed = NOTHING;
  private List<ReadinessSource> list =
      List.of(); // a waiter keeps what it prepared for the last one
  private int muted; // those that were in error, left alone until then
  private long mutedUntilNanos;

  /** A bit for each source that is watched; cleared by the watching thread when it rings. */
  private final AtomicInteger watched = new AtomicInteger(NOTHING);

  private volatile boolean closed;
  private @Nullable Thread thread;

  /** A descriptor. The source itself belongs to the vCPU thread and is not asked. */
  private static final class Watched implements ReadinessSource {
    private final int descriptor;
    private boolean input;
    private boolean error; // which the device has to find out

    Watched(ReadinessSource source) {
      descriptor = source.descriptor();
    }

    @Override
    public int descriptor() {
      return descriptor;
    }

    @Override
    public void polled() {
      input = true;
    }

    /** Asked of a descriptor in error alone. */
    @Override
    public boolean isReady() {
      error = true;
      return false;
    }
  }

  /**
   * Creates one that watches nothing yet.
   *
   * @param waiter used by nobody else; closed after this
   * @param time for what rings later
   * @param sources with descriptors, 31 at the most
   * @param ring what to do, on the watch's thread
   * @param failed told, on the watch's thread, that it will never ring again
   */
  Watch(
      Waiter waiter,
      TimeSource time,
      List<ReadinessSource> sources,
      Runnable ring,
      Consumer<Throwable> failed,
      String threadName) {
    this.waiter = waiter;
    this.time = time;
    this.ring = ring;
    this.failed = failed;
    this.threadName = threadName;
    if (sources.size() >= Integer.SIZE) {
      throw new ConfigurationException(
          "devices wait for %d descriptors, at most %d can be watched"
              .formatted(sources.size(), Integer.SIZE - 1));
    }
    sources.forEach(source -> all.add(new Watched(source)));
  }

  /**
   * Sets what is watched. One thread at a time.
   *
   * @param wanted bit n for source n, and {@link #SOON}
   */
  void set(int wanted) {
    if (watched.get() == wanted) {
      return;
    }
    watched.set(wanted);
    if (thread == null) {
      thread = Thread.ofPlatform().daemon().name(threadName).start(this::run);
    } else {
      waiter.wake();
    }
  }

  private void run() {
    try {
      while (!closed) {
        int set = watched.get();
        long deadline = deadlineNanos(set);
        waiter.await(time, deadline, list(set & ~(muted | SOON)));
        // Not if the wait ended because another set is to be watched. That wake may also be used up
        // by a later wait for the same set, which therefore has to have seen something.
        if (isNoticed(set, deadline) && watched.compareAndSet(set, NOTHING)) {
          ring.run();
        }
      }
    } catch (Throwable e) { // a guest without its devices would hang
      failed.accept(e);
    }
  }

  private List<ReadinessSource> list(int set) {
    if (set == NOTHING) {
      return List.of();
    }
    if (set != listed) {
      List<ReadinessSource> sources = new ArrayList<>();
      for (int i = 0; i < all.size(); i++) {
        if ((set >>> i & 1) != 0) {
          sources.add(all.get(i));
        }
      }
      list = sources;
      listed = set;
    }
    return list;
  }

  private long deadlineNanos(int set) {
    long unmuting = muted == NOTHING ? Waiter.NO_DEADLINE : mutedUntilNanos;
    return (set & SOON) == 0 ? unmuting : Math.min(unmuting, time.deadlineAfter(SOON_NANOS));
  }

  /** Whether there is something to ring for. Takes notice of errors, and of the time. */
  private boolean isNoticed(int set, long deadline) {
    boolean isOver = deadline != Waiter.NO_DEADLINE && time.monotonicNanos() >= deadline;
    if (muted != NOTHING && time.monotonicNanos() >= mutedUntilNanos) {
      muted = NOTHING;
    }
    boolean any = isOver && (set & SOON) != 0;
    for (int i = 0; i < all.size(); i++) {
      Watched each = all.get(i);
      any |= each.input || each.error;
      if (each.error) {
        muted |= 1 << i;
        mutedUntilNanos = time.deadlineAfter(MUTE_NANOS);
      }
      each.input = false;
      each.error = false;
    }
    return any;
  }

  @Override
  public void close() {
    closed = true;
    waiter.wake();
    Threads.join(thread);
  }
}
