// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import dev.tealight.HostCallException;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.FreeBsdErrno;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Gets a vCPU out of {@code VM_RUN}, from any thread, without losing a kick. The page docs/bhyve.md
 * argues it; the numbers (T1) to (T8) are its.
 *
 * <p>{@code VM_SUSPEND_CPU} marks the vCPU in the kernel, wherever it is: in guest code, asleep in
 * a halt, between two runs. The mark stays, and every {@code VM_RUN} ends with the exit {@code
 * DEBUG} before further guest instructions, until {@code VM_RESUME_CPU} takes it away. Only an
 * active vCPU can be marked.
 */
final class Kicks {
  /** A thread is between {@link #enter} and {@link #leave}. */
  private static final int RUNNING = 1;

  /** There was a kick that no exit has reported yet. */
  private static final int KICKED = 1 << 1;

  /** A kicking thread is about to mark the vCPU. */
  private static final int SENDING = 1 << 2;

  /** The kernel knows the vCPU as active, so that it can be marked. */
  private static final int ACTIVE = 1 << 3;

  /** The vCPU is gone. */
  private static final int CLOSED = 1 << 4;

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

  private final Descriptor vm;
  private final MemorySegment number;
  private volatile int state;

  /**
   * Starts without a kick.
   *
   * @param vm the VM's device
   * @param number of the vCPU, an int
   */
  Kicks(Descriptor vm, MemorySegment number) {
    this.vm = vm;
    this.number = number;
  }

  /** Any thread, at any time. */
  void kick() {
    int seen = state;
    // A kick that nobody has reported yet stands for this one too.
    while ((seen & (KICKED | CLOSED)) == 0) {
      boolean send = (seen & ACTIVE) != 0;
      int found =
          (int) STATE.compareAndExchange(this, seen, seen | KICKED | (send ? SENDING : 0)); // (T1)
      if (found == seen) {
        if (send) {
          try {
            mark(); // (T2)
          } finally {
            int _ = (int) STATE.getAndBitwiseAnd(this, ~SENDING); // (T3)
          }
        }
        return;
      }
      seen = found;
    }
  }

  private void mark() {
    vm.ioctl(VmmIoctl.SUSPEND_CPU, number, "");
  }

  /** Called by the vCPU thread before anything it does to run. */
  void enter() {
    int before = (int) STATE.getAndBitwiseOr(this, RUNNING);
    if ((before & RUNNING) != 0) {
      throw new IllegalStateException("the vCPU is being run by another thread");
    }
    if ((before & CLOSED) != 0) {
      leave();
      throw closed();
    }
  }

  /** Called by the vCPU thread after everything. */
  void leave() {
    int _ = (int) STATE.getAndBitwiseAnd(this, ~RUNNING);
  }

  /** Makes sure that the kernel knows the vCPU as active. Called by the vCPU thread. */
  void activate() {
    if ((state & ACTIVE) != 0) {
      return;
    }
    vm.ioctl(VmmIoctl.ACTIVATE_CPU, number, "");
    int before = (int) STATE.getAndBitwiseOr(this, ACTIVE); // (T4)
    if ((before & KICKED) != 0) {
      mark(); // (T5): who kicked before could not
    }
  }

  /** The kernel is about to forget which vCPUs are active, and the marks. */
  void deactivate() {
    int _ = (int) STATE.getAndBitwiseAnd(this, ~ACTIVE);
    awaitSender();
  }

  /** Called by the vCPU thread when the kernel has reported the mark. */
  void consume() {
    awaitSender(); // (T6)
    try {
      vm.ioctl(VmmIoctl.RESUME_CPU, number, ""); // (T7)
    } catch (HostCallException e) {
      if (e.errno() != FreeBsdErrno.EINVAL) {
        throw e;
      }
      // A tool of the host took the mark away before.
    }
    int _ = (int) STATE.getAndBitwiseAnd(this, ~KICKED); // (T8)
  }

  @SuppressWarnings("ThreadPriorityCheck") // who has to go first may be waiting for this processor
  private void awaitSender() {
    for (int spins = 0; (state & SENDING) != 0; spins++) {
      if (spins < SPINS) {
        Thread.onSpinWait();
      } else {
        Thread.yield();
      }
    }
  }

  /**
   * Makes kicks do nothing from now on; harmless if repeated.
   *
   * @throws IllegalStateException if the vCPU is being run; nothing is changed then
   */
  void close() {
    int seen = state;
    while ((seen & CLOSED) == 0) {
      if ((seen & RUNNING) != 0) {
        throw new IllegalStateException(
            "the vCPU is being run: kick it and wait for its thread before closing it");
      }
      int found = (int) STATE.compareAndExchange(this, seen, seen | CLOSED);
      if (found == seen) {
        awaitSender();
        return;
      }
      seen = found;
    }
  }

  void checkOpen() {
    if ((state & CLOSED) != 0) {
      throw closed();
    }
  }

  private static IllegalStateException closed() {
    return new IllegalStateException("the vCPU is closed");
  }

  boolean isActive() {
    return (state & ACTIVE) != 0;
  }

  /** {@return whether a thread is running the vCPU} */
  boolean isRunning() {
    return (state & RUNNING) != 0;
  }
}
