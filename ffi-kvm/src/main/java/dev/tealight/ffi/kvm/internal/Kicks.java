// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.KickSignal;
import dev.tealight.ffi.posix.LinuxErrno;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Gets a vCPU out of {@code KVM_RUN}, from any thread, without losing a kick and without a signal
 * that reaches somebody else. The page docs/interrupting-a-vcpu.md argues it; the numbers (T1) to
 * (T8) are its.
 *
 * <p>Two means are needed. The flag {@code immediate_exit} makes KVM refuse to enter the guest, and
 * a signal makes it leave; the flag alone does not reach a running guest, and the signal alone is
 * lost if it comes just before the guest is entered.
 */
final class Kicks {
  /**
   * The vCPU thread is between {@link #enter} and {@link #leave}: {@link #thread} is its number.
   */
  private static final int RUNNING = 1;

  /** There was a kick that no exit has reported yet. */
  private static final int KICKED = 1 << 1;

  /** A kicking thread is about to use {@link #thread} and the flag; the vCPU thread stays. */
  private static final int SENDING = 1 << 2;

  /** The vCPU is gone. */
  private static final int CLOSED = 1 << 3;

  private static final int SPINS = 1_000;

  private static final VarHandle STATE;

  static {
    try {
      STATE =
          MethodHandles.lookup()
              .findVarHandle(Kicks.class, "state", int.class)
              .withInvokeExactBehavior();
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final HostCalls host;
  private final KvmRun run;
  private volatile int state;

  /** The host's number of the vCPU thread; published by setting {@link #RUNNING}. */
  private int thread;

  Kicks(HostCalls host, KvmRun run) {
    this.host = host;
    this.run = run;
  }

  /** Any thread, at any time. */
  void kick() {
    int seen = state;
    // A kick that nobody has reported yet stands for this one too.
    while ((seen & (KICKED | CLOSED)) == 0) {
      boolean send = (seen & RUNNING) != 0;
      int next = seen | KICKED | (send ? SENDING : 0);
      int found = (int) STATE.compareAndExchange(this, seen, next); // (T1)
      if (found == seen) {
        if (send) {
          send();
        }
        return;
      }
      seen = found;
    }
  }

  @SuppressWarnings("ThreadPriorityCheck") // who has to go first may be waiting for this processor
  private void send() {
    try {
      run.immediateExit(true); // (T2)
      // The host may be out of room for queued signals. If the vCPU thread is on its way out
      // anyway, the signal is not needed.
      while (host.tgkill(thread, KickSignal.NUMBER) == -LinuxErrno.EAGAIN // (T3)
          && (state & RUNNING) != 0) {
        Thread.yield();
      }
    } finally {
      int before = (int) STATE.getAndBitwiseAnd(this, ~SENDING); // (T4)
      assert (before & SENDING) != 0;
    }
  }

  /**
   * Called by the vCPU thread just before {@code KVM_RUN}.
   *
   * @param thread its number
   */
  void enter(int thread) {
    if ((state & RUNNING) == 0) {
      this.thread = thread;
    }
    int before = (int) STATE.getAndBitwiseOr(this, RUNNING); // (T5)
    if ((before & RUNNING) != 0) {
      throw new IllegalStateException("the vCPU is being run by another thread");
    }
    if ((before & CLOSED) != 0) {
      int _ = (int) STATE.getAndBitwiseAnd(this, ~RUNNING);
      throw new IllegalStateException("the vCPU is closed");
    }
    if ((before & KICKED) != 0) {
      run.immediateExit(true);
    }
  }

  /**
   * Called by the vCPU thread just after {@code KVM_RUN}.
   *
   * @return whether there was a kick; it stays until {@link #consume}
   */
  boolean leave() {
    int before = (int) STATE.getAndBitwiseAnd(this, ~RUNNING); // (T6)
    if ((before & KICKED) == 0) {
      return false;
    }
    awaitSender(); // (T7)
    // The signal is queued by now. Returning from a system call delivers it, so that it does not
    // cut short whatever the thread does next.
    long _ = host.gettid();
    return true;
  }

  @SuppressWarnings("ThreadPriorityCheck") // as above
  private void awaitSender() {
    for (int spins = 0; (state & SENDING) != 0; spins++) {
      if (spins < SPINS) {
        Thread.onSpinWait();
      } else {
        Thread.yield();
      }
    }
  }

  /** Called by the vCPU thread, outside of enter and leave, when it reports the kicks so far. */
  void consume() {
    run.immediateExit(false);
    int _ = (int) STATE.getAndBitwiseAnd(this, ~KICKED); // (T8)
  }

  /**
   * Makes kicks do nothing from now on.
   *
   * @return false if that was so before
   * @throws IllegalStateException if the vCPU is being run; nothing is changed then
   */
  boolean close() {
    int seen = state;
    while (true) {
      if ((seen & CLOSED) != 0) {
        return false;
      }
      if ((seen & RUNNING) != 0) {
        throw new IllegalStateException(
            "the vCPU is being run: kick it and wait for its thread before closing it");
      }
      int found = (int) STATE.compareAndExchange(this, seen, seen | CLOSED);
      if (found == seen) {
        awaitSender();
        return true;
      }
      seen = found;
    }
  }

  /** {@return whether a thread is running the vCPU} */
  boolean isRunning() {
    return (state & RUNNING) != 0;
  }
}
