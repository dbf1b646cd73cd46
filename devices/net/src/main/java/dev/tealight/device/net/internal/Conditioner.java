// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import dev.tealight.device.net.LinkConditions;
import java.util.Arrays;
import java.util.SplittableRandom;
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

  private final LinkConditions conditions;
  private final Supplier<ScheduledExecutorService> clock;
  private final int capacity;
  private final Target target;
  private final SplittableRandom random;
  private @Nullable Held held;
  private int pendingByteSize;
  private boolean closed;

  /**
   * Creates one.
   *
   * @param conditions to apply
   * @param clock runs what is late, asked for when something is
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
    if (late && overtaken == null) {
      hold(new Held(lane, Arrays.copyOf(frame, byteSize)));
    } else {
      travel(lane, frame, byteSize);
      if (overtaken != null) {
        held = null;
        travel(overtaken.lane(), overtaken.frame(), overtaken.frame().length);
      }
    }
    if (twice) {
      travel(lane, frame, byteSize);
    }
  }

  private void hold(Held frame) {
    held = frame;
    later(HOLD_NANOS, () -> release(frame));
  }

  @SuppressWarnings("ReferenceEquality") // an equal frame is another one
  private synchronized void release(Held frame) {
    if (held == frame && !closed) {
      held = null;
      travel(frame.lane(), frame.frame(), frame.frame().length);
    }
  }

  private void travel(int lane, byte[] frame, int byteSize) {
    long nanos = conditions.delay().toNanos();
    if (nanos == 0) {
      target.deliver(lane, frame, byteSize);
    } else if (byteSize > capacity - pendingByteSize) {
      target.drop();
    } else {
      byte[] copy = Arrays.copyOf(frame, byteSize);
      pendingByteSize += byteSize;
      later(nanos, () -> arrive(lane, copy));
    }
  }

  private synchronized void arrive(int lane, byte[] frame) {
    pendingByteSize -= frame.length;
    if (!closed) {
      target.deliver(lane, frame, frame.length);
    }
  }

  /** Loses what is under way. */
  public synchronized void close() {
    closed = true;
  }

  private void later(long nanos, Runnable action) {
    try {
      var _ = clock.get().schedule(action, nanos, TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      target.drop(); // the switch is closed
    }
  }
}
