// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import dev.tealight.device.net.LinkConditions;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Applies {@link LinkConditions} to the frames for one receiver. Any thread. */
public final class Conditioner {

  /** Where frames go in the end. */
  public interface Target {
    /**
     * Takes a frame.
     *
     * @param lane of its sender
     * @param frame holds it from its start
     * @param byteSize of it
     */
    void deliver(int lane, byte[] frame, int byteSize);

    /** Counts a frame that conditions demand to lose. */
    void lose();

    /** Counts a frame for which there is no room. */
    void drop();
  }

  private static final long HOLD_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  @SuppressWarnings("ArrayRecordComponent") // nobody compares them
  private record Held(int lane, byte[] frame) {}

  @SuppressWarnings("ArrayRecordComponent") // nobody compares them
  private record Late(long dueNanos, int lane, byte[] frame) {}

  private final LinkConditions conditions;
  private final Supplier<ScheduledExecutorService> clock;
  private final int capacity;
  private final Target target;
  private final SplittableRandom random;

  /** Frames under way, in order: all are delayed alike. The clock has one task for the first. */
  private final Queue<Late> underWay = new ArrayDeque<>();

  private @Nullable Held held;
  private @Nullable Future<?> release; // of the frame that is held
  private int pendingByteSize;
  private boolean closed;

  /**
   * Creates one.
   *
   * @param conditions to apply
   * @param clock runs what is late, asked for when something is; removes what is cancelled
   * @param capacity how many bytes may be under way
   * @param target where frames go
   */
  public Conditioner(
      LinkConditions conditions,
      Supplier<ScheduledExecutorService> clock,
      int capacity,
      Target target) {
    this.conditions = conditions;
    this.clock = clock;
    this.capacity = capacity;
    this.target = target;
    this.random = new SplittableRandom(conditions.seed());
  }

  /**
   * Takes a frame.
   *
   * @param lane of its sender
   * @param frame holds it from its start; reused by the caller
   * @param byteSize of it
   */
  public synchronized void pass(int lane, byte[] frame, int byteSize) {
    // All decisions are drawn for each frame, so that one does not shift the others.
    boolean lost = random.nextDouble() < conditions.loss();
    boolean twice = random.nextDouble() < conditions.duplication();
    boolean late = random.nextDouble() < conditions.reordering();
    if (lost) {
      target.lose();
      return;
    }
    Held overtaken = held;
    if (late && overtaken == null && !closed) {
      hold(new Held(lane, Arrays.copyOf(frame, byteSize)));
    } else {
      travel(lane, frame, byteSize);
      if (overtaken != null) {
        forget();
        travel(overtaken.lane(), overtaken.frame(), overtaken.frame().length);
      }
    }
    if (twice) {
      travel(lane, frame, byteSize);
    }
  }

  private void hold(Held frame) {
    held = frame;
    release = later(HOLD_NANOS, () -> release(frame));
  }

  @SuppressWarnings("ReferenceEquality") // an equal frame is another one
  private synchronized void release(Held frame) {
    if (held == frame) {
      forget();
      travel(frame.lane(), frame.frame(), frame.frame().length);
    }
  }

  /** Holds no frame any more, nor lets the clock hold it. */
  private void forget() {
    held = null;
    if (release != null) {
      release.cancel(false);
      release = null;
    }
  }

  private void travel(int lane, byte[] frame, int byteSize) {
    long nanos = conditions.delay().toNanos();
    if (nanos == 0) {
      target.deliver(lane, frame, byteSize);
    } else if (closed || byteSize > capacity - pendingByteSize) {
      target.drop();
    } else {
      underWay.add(new Late(System.nanoTime() + nanos, lane, Arrays.copyOf(frame, byteSize)));
      pendingByteSize += byteSize;
      if (underWay.size() == 1) {
        var _ = later(nanos, this::arrive);
      }
    }
  }

  private synchronized void arrive() {
    long now = System.nanoTime();
    for (Late first = underWay.peek(); first != null; first = underWay.peek()) {
      long left = first.dueNanos() - now;
      if (left > 0) {
        var _ = later(left, this::arrive);
        return;
      }
      underWay.remove();
      pendingByteSize -= first.frame().length;
      target.deliver(first.lane(), first.frame(), first.frame().length);
    }
  }

  /** Loses what is under way, and what would come late from now on. */
  public synchronized void close() {
    closed = true;
    forget();
    underWay.clear();
  }

  private @Nullable Future<?> later(long nanos, Runnable action) {
    try {
      return clock.get().schedule(action, nanos, TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      target.drop(); // the switch is closed
      close();
      return null;
    }
  }
}
