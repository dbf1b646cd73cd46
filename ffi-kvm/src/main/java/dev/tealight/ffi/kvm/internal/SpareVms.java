// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.VmOptions;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps one VM ready for the next guest, and as an {@link Executor} destroys those of earlier ones,
 * on one thread that ends when it has nothing to do.
 *
 * <p>The host makes whoever creates or destroys a VM wait for others who do. So the thread's work
 * is held back until a guest runs and nobody waits, though not for long.
 */
final class SpareVms implements Executor, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SpareVms.class);

  static final String THREAD_NAME = "kvm-spare";
  private static final int IDLE_SECONDS = 10;

  /** How long work is held back if no guest runs. */
  static final Duration HOLD = Duration.ofMillis(20);

  private final Function<VmOptions, KvmVm> maker;
  private final Duration hold;
  private final ScheduledThreadPoolExecutor executor =
      new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().daemon().name(THREAD_NAME).factory());
  private final Queue<Runnable> held = new ConcurrentLinkedQueue<>();

  // Guarded by this object's lock.
  private @Nullable VmOptions last;
  private @Nullable KvmVm spare;
  private boolean preparing;

  /**
   * Prepares nothing yet.
   *
   * @param maker makes a VM with all that can be made before its guest is known
   * @param hold how long work is held back if no guest runs
   */
  SpareVms(Function<VmOptions, KvmVm> maker, Duration hold) {
    this.maker = maker;
    this.hold = hold;
    executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    executor.setKeepAliveTime(IDLE_SECONDS, TimeUnit.SECONDS);
    executor.allowCoreThreadTimeOut(true);
  }

  /**
   * {@return the spare VM if it is as wanted, now the caller's} Never waits for one. Options that
   * are asked for twice in a row are likely to be asked for again, so another one is prepared.
   */
  synchronized @Nullable KvmVm take(VmOptions options) {
    boolean again = options.equals(last);
    last = options;
    KvmVm taken = null;
    if (spare != null && spare.options().equals(options)) {
      taken = spare;
      spare = null;
    }
    if (again && !preparing) {
      preparing = hold(() -> prepare(options));
    }
    return taken;
  }

  /** Called when a guest is about to run for the first time. */
  void guestRuns() {
    if (!held.isEmpty()) {
      try {
        executor.execute(this::work);
      } catch (OutOfMemoryError e) {
        LOG.debug("kvm: the host has no thread for work in the background", e);
      }
    }
  }

  /** {@return whether a task will be run; if not, the host has no thread, or this is closed} */
  private boolean hold(Runnable task) {
    held.add(task);
    try {
      var _ = executor.schedule(this::work, hold.toNanos(), TimeUnit.NANOSECONDS);
      return true;
    } catch (RejectedExecutionException | OutOfMemoryError e) {
      LOG.debug("kvm: nothing is done in the background", e);
      return !held.remove(task);
    }
  }

  /** Does what was held back. */
  private void work() {
    for (Runnable task = held.poll(); task != null; task = held.poll()) {
      task.run();
    }
  }

  private void prepare(VmOptions options) {
    KvmVm made = null;
    try {
      if (!executor.isShutdown()) {
        made = maker.apply(options);
      }
    } catch (RuntimeException | OutOfMemoryError e) {
      // The next guest meets the failure itself, if it lasts.
      LOG.debug("kvm: no VM could be prepared for {}", options, e);
    }
    KvmVm replaced = replace(made);
    if (replaced != null) {
      execute(replaced::close);
    }
  }

  private synchronized @Nullable KvmVm replace(@Nullable KvmVm made) {
    KvmVm replaced = spare;
    spare = made;
    preparing = false;
    return replaced;
  }

  /** Runs a task that destroys: later, or at once if nobody else can. Failures are logged. */
  @Override
  public void execute(Runnable task) {
    Runnable logging =
        () -> {
          try {
            task.run();
          } catch (RuntimeException e) {
            LOG.warn("kvm: a VM that is no longer used could not be closed", e);
          }
        };
    if (!hold(logging)) {
      logging.run();
    }
  }

  /** Does everything that is held back, and waits until it is done, for tests. */
  void settle() throws InterruptedException, ExecutionException {
    // The second round is for what the tasks of the first one have begun.
    for (int round = 0; round < 2; round++) {
      executor.submit(this::work).get();
    }
  }

  /** Does what is left to do, and frees the spare; all VMs that were taken are closed already. */
  @Override
  public void close() {
    executor.shutdown();
    // Not left to the executor, which would drop it if this thread is interrupted.
    work();
    executor.close();
    KvmVm left = replace(null);
    if (left != null) {
      left.close();
    }
  }
}
