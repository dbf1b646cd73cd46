// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import dev.tealight.ExitKind;
import dev.tealight.GuestAccessException;
import dev.tealight.ReadinessSource;
import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.Outcome;
import dev.tealight.spi.Doorbells;
import dev.tealight.spi.Doorbells.Doorbell;
import dev.tealight.spi.SharedWork;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadFactory;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does the work that a guest rings for. A ring that leaves guest mode is served at once by the vCPU
 * thread, which is sooner than any other could be woken. Where the VM has doorbells, rings in quick
 * succession start a thread: it works while the guest runs on, and the doorbell wakes it without
 * leaving guest mode. When it has little to do it ends again.
 */
final class DoorbellServer implements GuestCallHandler, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DoorbellServer.class);

  /** Told when the work cannot go on. Any thread. */
  interface Listener {
    /** The guest has broken the rules. */
    void fault(String reason);

    /** The host or the monitor failed. */
    void fail(Throwable cause);
  }

  private static final int WIDTH = 4;

  /** So many rings in so short a time start a thread: one in 40 microseconds, on the average. */
  private static final int QUICK_RINGS = 16;

  private static final long QUICK_NANOS = QUICK_RINGS * 40_000L;

  /**
   * How often the thread looks for work before it sleeps: for some tens of microseconds, about as
   * long as waking it takes.
   */
  private static final int SPINS = 1000;

  /** The thread has slept in vain if it finds work fewer times than this before it sleeps again. */
  private static final int WORTH_A_THREAD = 16;

  /**
   * The thread ends if it has slept in vain so often in a row. To start another takes much longer
   * than to wake this one: the host puts up a doorbell and takes one away.
   */
  private static final int PATIENT_SLEEPS = 64;

  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final int port;
  private final String owner;
  private final ThreadFactory threads;
  private final SharedWork work;
  private final Optional<Doorbells> doorbells;
  private final Supplier<Waiter> waiters;
  private final Listener listener;

  private final TimeSource time = TimeSource.system(); // each call makes one

  /** Held while work is done, by whichever thread does it. */
  private final Object serving = new Object();

  private volatile boolean closed;
  private volatile @Nullable Helper helper;

  // vCPU thread.
  private boolean threadless; // the host had no thread
  private int rings;
  private long firstRingNanos;

  DoorbellServer(
      int port,
      String owner,
      ThreadFactory threads,
      SharedWork work,
      Optional<Doorbells> doorbells,
      Supplier<Waiter> waiters,
      Listener listener) {
    this.port = port;
    this.owner = owner;
    this.threads = threads;
    this.work = work;
    this.doorbells = doorbells;
    this.waiters = waiters;
    this.listener = listener;
    work.wantDoorbell(true);
  }

  /** Serves a ring that left guest mode. */
  @Override
  public Outcome handle(GuestCall call) {
    if (call.exit().kind() != ExitKind.IO_WRITE || call.exit().width() != WIDTH) {
      return call.fault(
          "the guest made a %s, which nobody serves: %s is rung by a write of %d bytes"
              .formatted(call.exit(), owner, WIDTH));
    }
    if (helper == null
        && doorbells.isPresent()
        && !threadless
        && isQuick(call.time().monotonicNanos())) {
      startHelper(doorbells.get());
    }
    return resume(call);
  }

  /** Does a part; a wait without delay lets the loop see whether to stop. */
  @Override
  public Outcome resume(GuestCall call) {
    return serve() ? call.waitFor(call.time().monotonicNanos(), List.of()) : Outcome.CONTINUE;
  }

  private boolean serve() {
    synchronized (serving) {
      return work.serve();
    }
  }

  private boolean isQuick(long now) {
    if (rings == 0 || now - firstRingNanos > QUICK_NANOS) {
      rings = 0;
      firstRingNanos = now;
    }
    rings = (rings + 1) % QUICK_RINGS;
    return rings == 0;
  }

  private void startHelper(Doorbells host) {
    Waiter waiter = waiters.get();
    Helper created;
    try {
      created = new Helper(host.onPort(port), waiter);
    } catch (RuntimeException | Error e) {
      waiter.close();
      throw e;
    }
    helper = created;
    try {
      created.thread.start();
    } catch (OutOfMemoryError e) { // how the JVM says that the host has no more threads
      LOG.warn("{} has no thread, each ring ends a run of the guest", owner, e);
      threadless = true;
      helper = null;
      created.free();
    }
  }

  /** The thread, with what it sleeps on, which it frees itself. */
  private final class Helper implements Runnable {
    final Thread thread = threads.newThread(this);
    final Waiter waiter;
    private final Doorbell bell;
    private final List<ReadinessSource> rung;

    Helper(Doorbell bell, Waiter waiter) {
      this.bell = bell;
      this.waiter = waiter;
      this.rung = List.of(new Rung(bell.descriptor()));
    }

    @Override
    public void run() {
      try {
        try {
          serveWhileThereIsMuch();
        } finally {
          free();
        }
        // From here on rings leave guest mode again. What came before is served here.
        work.wantDoorbell(true);
        while (!closed && work.isPending()) {
          boolean _ = serve();
        }
      } catch (GuestAccessException e) {
        listener.fault("%s: %s".formatted(owner, e.getMessage()));
      } catch (Throwable e) {
        listener.fail(e);
      } finally {
        helper = null;
      }
    }

    void free() {
      try (waiter) {
        bell.close();
      }
    }

    private void serveWhileThereIsMuch() {
      work.wantDoorbell(false);
      int found = 0;
      int idle = 0;
      int vain = 0;
      while (!closed) {
        if (work.isPending()) {
          boolean _ = serve();
          found++;
          idle = 0;
        } else if (idle < SPINS) {
          idle++;
          Thread.onSpinWait();
        } else {
          vain = found < WORTH_A_THREAD ? vain + 1 : 0;
          if (vain == PATIENT_SLEEPS) {
            return;
          }
          sleep();
          found = 0;
          idle = 0;
        }
      }
    }

    private void sleep() {
      work.wantDoorbell(true);
      if (!work.isPending() && !closed) {
        waiter.await(time, Waiter.NO_DEADLINE, rung);
        bell.acknowledge();
      }
      work.wantDoorbell(false);
    }
  }

  /** Does all that is left, while the guest stands still. vCPU thread. */
  void settle() {
    try {
      while (serve()) {}
    } catch (GuestAccessException e) {
      listener.fault("%s: %s".formatted(owner, e.getMessage()));
    }
  }

  /**
   * Ends the thread; the guest must not run any more. Harmless if repeated.
   *
   * @throws IllegalStateException if it is stuck in a call to the host, which is named; may be
   *     tried again
   */
  @Override
  public void close() {
    closed = true;
    Helper last = helper;
    if (last != null) {
      last.waiter.wake();
      join(last.thread);
    }
  }

  private static void join(Thread thread) {
    boolean interrupted = false;
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    try {
      while (true) {
        try {
          if (thread.join(Duration.ofNanos(deadline - System.nanoTime()))) {
            return;
          }
          StackTraceElement[] stack = thread.getStackTrace();
          throw new IllegalStateException(
              "%s was told to end %d s ago but is still busy in %s"
                  .formatted(
                      thread.getName(),
                      PATIENCE.toSeconds(),
                      stack.length == 0 ? "unknown code" : stack[0]));
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

  /** Ready whenever its descriptor is. */
  private record Rung(int descriptor) implements ReadinessSource {
    @Override
    public boolean isReady() {
      return true;
    }
  }
}
