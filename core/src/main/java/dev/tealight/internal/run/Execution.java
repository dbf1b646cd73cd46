// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import dev.tealight.RunResult;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
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

  /** What a run tells, on the thread on which it happens. */
  public interface Listener {

    /** The guest is about to run. */
    void started();

    /**
     * The guest waits.
     *
     * @param deadlineNanos when it wakes at the latest
     */
    void waiting(long deadlineNanos);

    /**
     * The run has a result; told before anybody who waits for it.
     *
     * @param result how it ended
     */
    void ended(RunResult result);

    /**
     * The run will never have a result; told before anybody who waits for one.
     *
     * @param cause what went wrong
     */
    void failed(Throwable cause);
  }

  /** How long a stopped guest may take before the one who waits is told what holds it up. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private static final Duration SHORTLY = Duration.ofSeconds(1);
  private static final Duration FOREVER = Duration.ofNanos(Long.MAX_VALUE);

  private final RunLoop loop;
  private final Duration limit;
  private final Listener listener;
  private final Drain output;

  /** Whether somebody brings the run to its end: its thread, or who gives it up before. */
  private final AtomicBoolean claimed = new AtomicBoolean();

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

  /**
   * Creates a run. It may be stopped and waited for before it is started.
   *
   * @param loop not stepped before
   * @param limit after which the run is ended, or zero for no limit
   * @param listener told what happens
   * @param output awaited by those who wait for the result
   */
  public Execution(RunLoop loop, Duration limit, Listener listener, Drain output) {
    this.loop = loop;
    this.limit = limit;
    this.listener = listener;
    this.output = output;
  }

  /**
   * Hands the run to an executor; called once. If the executor runs it on the calling thread, this
   * returns after the guest's end.
   *
   * @param executor runs the guest, on one thread until it ends
   * @throws IllegalStateException if the executor throws; the run has failed unless it was under
   *     way
   */
  public void start(Executor executor) {
    try {
      executor.execute(this::runToEnd);
    } catch (RuntimeException e) {
      IllegalStateException refusal =
          new IllegalStateException("executor %s did not run the guest".formatted(executor), e);
      fail(refusal);
      throw refusal;
    } catch (Error e) {
      fail(e);
      throw e;
    }
  }

  private void fail(Throwable cause) {
    if (claimed.compareAndSet(false, true)) {
      finish(null, cause);
    }
  }

  private void runToEnd() {
    if (!claimed.compareAndSet(false, true)) {
      return; // given up before the executor came to it
    }
    thread = Thread.currentThread();
    Thread timer = null;
    RunResult how = null;
    Throwable thrown = null;
    try {
      listener.started();
      timer = limit.isZero() ? null : startTimer();
      how = stepToEnd();
    } catch (Throwable e) {
      thrown = e;
    }
    if (timer != null) {
      timer.interrupt();
    }
    finish(how, thrown);
  }

  /** Ends the run with a result or, without one, a failure. */
  private void finish(@Nullable RunResult how, @Nullable Throwable thrown) {
    thread = Thread.currentThread();
    result = how;
    failure = thrown;
    try {
      if (thrown != null) {
        listener.failed(thrown);
      } else {
        listener.ended(Objects.requireNonNull(how));
      }
    } catch (Throwable e) {
      failure = e;
    } finally {
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
  private Thread startTimer() {
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
          listener.waiting(loop.waitDeadlineNanos());
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

  /**
   * {@return the result, when it is there; a calling thread that is interrupted stops the guest}
   *
   * @throws InterruptedException if the calling thread is interrupted; the guest has been stopped
   * @throws IllegalStateException if it is interrupted, and the guest's thread does not leave in
   *     time; it stays interrupted then
   */
  public RunResult awaitOrStop() throws InterruptedException {
    return awaitOrStop(PATIENCE);
  }

  /** As the public one, with how long a stopped guest may take. */
  RunResult awaitOrStop(Duration patience) throws InterruptedException {
    try {
      return await();
    } catch (InterruptedException e) {
      try {
        stopAndJoin(patience);
      } catch (IllegalStateException stuck) {
        stuck.addSuppressed(e);
        Thread.currentThread().interrupt();
        throw stuck;
      }
      throw e;
    }
  }

  /** Who stops a guest wants it stopped, whatever its console is stuck in. */
  private static Duration patienceFor(RunResult how) {
    boolean stopped = how instanceof RunResult.Stopped || how instanceof RunResult.DeadlineExceeded;
    return stopped ? SHORTLY : FOREVER;
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
    stopAndJoin(PATIENCE);
  }

  private void stopAndJoin(Duration patience) {
    refuseOwnThread("close");
    stop();
    if (claimed.compareAndSet(false, true)) {
      finish(new RunResult.Stopped(), null); // its executor has not come to it yet
      return;
    }
    boolean interrupted = false;
    long deadline = System.nanoTime() + patience.toNanos();
    try {
      while (true) {
        try {
          if (done.await(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
            return;
          }
          throw new IllegalStateException(
              "the guest was stopped %d s ago but its thread is still busy: %s"
                  .formatted(patience.toSeconds(), whereabouts()));
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
      return "it is between its executor and the guest";
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
