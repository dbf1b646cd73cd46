// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import dev.tealight.ConfigurationException;
import dev.tealight.ReadinessSource;
import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Rings once when one of some descriptors has input: how it reaches a guest that computes or sleeps
 * where the monitor does not see it. The thread that waits is started by the first use.
 *
 * <p>No input is missed: a descriptor is polled after its source was set, so that input which came
 * before rings at once. Input that stays rings again only when it is set again.
 */
final class Watch implements AutoCloseable {
  private static final int NOTHING = 0;

  private final Waiter waiter;
  private final TimeSource time;
  private final Runnable ring;
  private final Consumer<Throwable> failed;
  private final String threadName;
  private final List<Watched> all = new ArrayList<>();

  /** Of the watching thread. A waiter keeps what it prepared for the list that it saw last. */
  private final Map<Integer, List<ReadinessSource>> lists = new HashMap<>();

  /** A bit for each source that is watched; cleared by the watching thread when it rings. */
  private final AtomicInteger watched = new AtomicInteger(NOTHING);

  private volatile boolean closed;
  private @Nullable Thread thread;

  /** A descriptor. The source itself belongs to the vCPU thread and is not asked. */
  private static final class Watched implements ReadinessSource {
    private final int descriptor;

    /** There was input, or the descriptor is in error, which the device has to find out. */
    private boolean noticed;

    Watched(ReadinessSource source) {
      descriptor = source.descriptor();
    }

    @Override
    public int descriptor() {
      return descriptor;
    }

    @Override
    public void polled() {
      noticed = true;
    }

    /** Asked of a descriptor in error alone, which is left alone for a while if it is not ready. */
    @Override
    public boolean isReady() {
      noticed = true;
      return false;
    }
  }

  /**
   * Creates one that watches nothing yet.
   *
   * @param waiter used by nobody else; closed after this
   * @param sources with descriptors, 32 at the most
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
    if (sources.size() > Integer.SIZE) {
      throw new ConfigurationException(
          "devices wait for %d descriptors, at most %d can be watched"
              .formatted(sources.size(), Integer.SIZE));
    }
    sources.forEach(source -> all.add(new Watched(source)));
  }

  /**
   * Sets what is watched. One thread at a time.
   *
   * @param wanted bit n for source n
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
        waiter.await(time, Waiter.NO_DEADLINE, lists.computeIfAbsent(set, this::list));
        // Not if the wait ended because another set is to be watched. That wake may also be used up
        // by a later wait for the same set, which therefore has to have seen something.
        if (isNoticed() && set != NOTHING && watched.compareAndSet(set, NOTHING)) {
          ring.run();
        }
      }
    } catch (Throwable e) { // a guest without its devices would hang
      failed.accept(e);
    }
  }

  private List<ReadinessSource> list(int set) {
    List<ReadinessSource> list = new ArrayList<>();
    for (int i = 0; i < all.size(); i++) {
      if ((set >>> i & 1) != 0) {
        list.add(all.get(i));
      }
    }
    return list;
  }

  private boolean isNoticed() {
    boolean any = false;
    for (Watched each : all) {
      any |= each.noticed;
      each.noticed = false;
    }
    return any;
  }

  @Override
  public void close() {
    closed = true;
    waiter.wake();
    Thread running = thread;
    boolean interrupted = false;
    while (running != null && running.isAlive()) {
      try {
        running.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
