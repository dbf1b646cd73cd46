// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import dev.tealight.RunResult;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/** A {@link RunLoop} on its thread, and what other threads may ask of it. */
public final class Execution {

  /** Waits until the guest's output is where it belongs. */
  @FunctionalInterface
  public interface Drain {

    /**
     * Waits.
     *
     * @param timeout how long at the most
     * @throws InterruptedException if the calling thread is interrupted
     */
    void await(Duration timeout) throws InterruptedException;
  }

  /** How long a stopped guest may take before the one who waits is told what holds it up. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private static final Duration SHORTLY = Duration.ofSeconds(1);
  private static final Duration FOREVER = Duration.ofNanos(Long.MAX_VALUE);

  private final RunLoop loop;
  private final LongConsumer onWaiting;
  private final Consumer<RunResult> onEnd;
  private final Drain output;
  private final CountDownLatch done = new CountDownLatch(1);
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition stateChanged = lock.newCondition();
  // Guarded by the lock.
  private boolean paused;
  private boolean ended;

  // Written before the latch opens, read after it.
  private @Nullable RunResult result;
  private @Nullable Throwable failure;
  private volatile @Nullable Thread thread;

  private Execution(RunLoop loop, LongConsumer onWaiting, Consumer<RunResult> onEnd, Drain output) {
    this.loop = loop;
    this.onWaiting = onWaiting;
    this.onEnd = onEnd;
    this.output = output;
  }

  /**
   * Starts a loop.
   *
   * @param loop not stepped before
   * @param executor runs the guest, on one thread until it ends
   * @param limit after which the run is ended, or zero for no limit
   * @param onWaiting told each wait's deadline, on the vCPU thread
   * @param onEnd told the result, on the vCPU thread, before anybody who waits for it
   * @param output awaited by those who wait for the result
   * @return the run
   */
  public static Execution start(
      RunLoop loop,
      Executor executor,
      Duration limit,
      LongConsumer onWaiting,
      Consumer<RunResult> onEnd,
      Drain output) {
    Execution execution = new Execution(loop, onWaiting, onEnd, output);
    executor.execute(() -> execution.runToEnd(limit));
    return execution;
  }

  private void runToEnd(Duration limit) {
    thread = Thread.currentThread();
    Thread timer = null;
    try {
      timer = limit.isZero() ? null : startTimer(limit);
      RunResult how = stepToEnd();
      result = how;
      onEnd.accept(how);
    } catch (Throwable e) {
      failure = e;
    } finally {
      if (timer != null) {
        timer.interrupt();
      }
      thread = null;
      lock.lock();
      try {
        ended = true;
        stateChanged.signalAll();
      } finally {
        lock.unlock();
      }
      done.countDown();
    }
  }

  /** A thread of its own, since a pool shared with the embedder may have none free in time. */
  private Thread startTimer(Duration limit) {
    return Thread.ofPlatform()
        .daemon()
        .name(Thread.currentThread().getName() + "-deadline")
        .start(
            () -> {
              try {
                if (!done.await(nanos(limit), TimeUnit.NANOSECONDS)) {
                  loop.request(RunLoop.DEADLINE);
                }
              } catch (InterruptedException e) {
                // The run has ended.
              }
            });
  }

  /** Durations may be longer than nanoseconds can be counted: these last for centuries. */
  private static long nanos(Duration duration) {
    return Math.min(TimeUnit.NANOSECONDS.convert(duration), Long.MAX_VALUE / 2);
  }

  private RunResult stepToEnd() {
    while (true) {
      switch (loop.step()) {
        case READY -> {}
        case WAITING -> {
          onWaiting.accept(loop.waitDeadlineNanos());
          loop.awaitWakeUp();
        }
        case PAUSED -> {
          setPaused(true);
          loop.awaitWakeUp();
          // Before the next step looks at the requests, so that who finds it true may rely on it.
          setPaused(false);
        }
        case ENDED -> {
          return loop.result();
        }
      }
    }
  }

  private void setPaused(boolean now) {
    lock.lock();
    try {
      paused = now;
      stateChanged.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Asks for the end of the run. */
  public void stop() {
    loop.request(RunLoop.STOP);
  }

  /**
   * Asks the guest to stand still and waits until it does or has ended.
   *
   * @throws InterruptedException if the calling thread is interrupted
   * @throws IllegalStateException on the guest's own thread, which would wait for itself
   */
  public void pause() throws InterruptedException {
    refuseOwnThread("pause");
    lock.lockInterruptibly();
    try {
      loop.request(RunLoop.PAUSE);
      while (!paused && !ended) {
        stateChanged.await();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Lets a paused guest go on. */
  public void resume() {
    lock.lock();
    try {
      loop.withdraw(RunLoop.PAUSE);
    } finally {
      lock.unlock();
    }
  }

  /**
   * {@return the result, when it is there}
   *
   * @throws InterruptedException if the calling thread is interrupted
   */
  public RunResult await() throws InterruptedException {
    done.await();
    RunResult how = outcome();
    output.await(patienceFor(how));
    return how;
  }

  /**
   * {@return the result, or empty if it is not there in time}
   *
   * @param timeout how long at the most
   * @throws InterruptedException if the calling thread is interrupted
   */
  public Optional<RunResult> await(Duration timeout) throws InterruptedException {
    long start = System.nanoTime();
    if (!done.await(nanos(timeout), TimeUnit.NANOSECONDS)) {
      return Optional.empty();
    }
    RunResult how = outcome();
    Duration left = timeout.minusNanos(System.nanoTime() - start);
    output.await(left.compareTo(patienceFor(how)) < 0 ? left : patienceFor(how));
    return Optional.of(how);
  }

  /** Who stops a guest wants it stopped, whatever its console is stuck in. */
  private static Duration patienceFor(RunResult how) {
    return switch (how) {
      case RunResult.Halted halted -> FOREVER;
      case RunResult.Faulted faulted -> FOREVER;
      case RunResult.Stopped stopped -> SHORTLY;
      case RunResult.DeadlineExceeded exceeded -> SHORTLY;
    };
  }

  /** {@return the result, or empty if it is not there} */
  public Optional<RunResult> result() {
    return done.getCount() == 0 ? Optional.of(outcome()) : Optional.empty();
  }

  /**
   * Stops the guest and waits until its thread has left it, whatever the calling thread's interrupt
   * status.
   *
   * @throws IllegalStateException if it does not leave in time, and tells where its thread is; or
   *     on the guest's own thread, which would wait for itself
   */
  public void stopAndJoin() {
    refuseOwnThread("close");
    stop();
    boolean interrupted = false;
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    try {
      while (true) {
        try {
          if (done.await(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
            return;
          }
          throw new IllegalStateException(
              "the guest was stopped %d s ago but its thread is still busy: %s"
                  .formatted(PATIENCE.toSeconds(), whereabouts()));
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void refuseOwnThread(String what) {
    if (Thread.currentThread() == thread) {
      throw new IllegalStateException(
          "%s was called by the guest's own thread, in a handler, an observer or a direct console: use stop there"
              .formatted(what));
    }
  }

  private String whereabouts() {
    Thread busy = thread;
    if (busy == null) {
      return "it was never started by its executor";
    }
    StackTraceElement[] stack = busy.getStackTrace();
    return "%s in %s".formatted(busy.getName(), stack.length == 0 ? "unknown code" : stack[0]);
  }

  private RunResult outcome() {
    Throwable thrown = failure;
    if (thrown instanceof RuntimeException e) {
      throw e;
    }
    if (thrown instanceof Error e) {
      throw e;
    }
    if (thrown != null) {
      throw new IllegalStateException(thrown);
    }
    return Objects.requireNonNull(result);
  }
}
