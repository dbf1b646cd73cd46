// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.VmOptions;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps one VM ready for the next guest, and as an {@link Executor} destroys those of earlier ones,
 * on one thread that ends when it has nothing to do.
 */
final class SpareVms implements Executor, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SpareVms.class);

  static final String THREAD_NAME = "kvm-spare";
  private static final int IDLE_SECONDS = 10;

  private final Function<VmOptions, KvmVm> maker;
  private final ThreadPoolExecutor executor =
      new ThreadPoolExecutor(
          1,
          1,
          IDLE_SECONDS,
          TimeUnit.SECONDS,
          new LinkedBlockingQueue<>(),
          Thread.ofPlatform().daemon().name(THREAD_NAME).factory());

  // Guarded by this object's lock.
  private @Nullable VmOptions last;
  private @Nullable KvmVm spare;
  private boolean preparing;

  /**
   * Prepares nothing yet.
   *
   * @param maker makes a VM with all that can be made before its guest is known
   */
  SpareVms(Function<VmOptions, KvmVm> maker) {
    this.maker = maker;
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
      prepareLater(options);
    }
    return taken;
  }

  /** With the lock held. */
  private void prepareLater(VmOptions options) {
    preparing = true;
    try {
      executor.execute(() -> prepare(options));
    } catch (OutOfMemoryError e) {
      preparing = false;
      LOG.debug("kvm: the host has no thread to prepare a VM", e);
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
    try {
      executor.execute(logging);
    } catch (RejectedExecutionException | OutOfMemoryError e) { // closed, or no thread to be had
      logging.run();
    }
  }

  /** Waits until everything is done that was begun before, for tests. */
  void settle() throws InterruptedException, ExecutionException {
    // The second round is for what the tasks before the first one have begun.
    for (int round = 0; round < 2; round++) {
      executor.submit(() -> {}).get();
    }
  }

  /** Does what is left to do, and frees the spare; all VMs that were taken are closed already. */
  @Override
  public void close() {
    executor.shutdown();
    // Not left to the executor, which would drop them if this thread is interrupted.
    for (Runnable task = next(); task != null; task = next()) {
      task.run();
    }
    executor.close();
    KvmVm left = replace(null);
    if (left != null) {
      left.close();
    }
  }

  private @Nullable Runnable next() {
    return executor.getQueue().poll();
  }
}
