// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import dev.tealight.HypervisorUnavailableException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The signal that makes a blocked system call return {@code EINTR}. Its disposition is the one
 * thing that Tealight changes for the whole process; it is never changed back, since a signal may
 * still be under way.
 */
public final class KickSignal {

  /** Not used by the JVM (which has its own ways from 1 to 33 and 62) nor by the C library. */
  public static final int NUMBER = LinuxAbi.SIGRTMIN + 8;

  private static final long HANDLER =
      LinuxAbi.SIGACTION.byteOffset(PathElement.groupElement("sa_handler"));
  private static final long FLAGS =
      LinuxAbi.SIGACTION.byteOffset(PathElement.groupElement("sa_flags"));

  private KickSignal() {}

  /**
   * Asks whether {@link #install} would succeed; changes nothing.
   *
   * @param host where
   * @throws HypervisorUnavailableException if somebody else handles the signal
   * @throws dev.tealight.HostCallException if the host refuses
   */
  public static void check(HostCalls host) {
    boolean _ = isInstalled(host);
  }

  /**
   * Gives the signal a handler that does nothing; harmless if repeated.
   *
   * @param host where
   * @throws HypervisorUnavailableException if somebody else handles the signal
   * @throws dev.tealight.HostCallException if the host refuses
   */
  public static void install(HostCalls host) {
    if (isInstalled(host)) {
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment action = arena.allocate(LinuxAbi.SIGACTION);
      action.set(ValueLayout.JAVA_LONG, HANDLER, host.idleHandler());
      // Not seen by other calls of the thread, and safe on the JVM's guarded stacks.
      action.set(ValueLayout.JAVA_INT, FLAGS, LinuxAbi.SA_RESTART | LinuxAbi.SA_ONSTACK);
      Descriptor.check(
          host,
          host.sigaction(NUMBER, action, MemorySegment.NULL),
          "sigaction",
          "signal=" + NUMBER);
    }
  }

  private static boolean isInstalled(HostCalls host) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment current = arena.allocate(LinuxAbi.SIGACTION);
      Descriptor.check(
          host,
          host.sigaction(NUMBER, MemorySegment.NULL, current),
          "sigaction",
          "signal=" + NUMBER);
      long handler = current.get(ValueLayout.JAVA_LONG, HANDLER);
      if (handler == host.idleHandler()) {
        return true;
      }
      if (handler != LinuxAbi.SIG_DFL && handler != LinuxAbi.SIG_IGN) {
        throw new HypervisorUnavailableException(
            ("signal %d, which interrupts running guests, is already handled by code at 0x%x in"
                    + " this process: keep that library from using it")
                .formatted(NUMBER, handler));
      }
      return false;
    }
  }

  /**
   * Lets the signal through to the calling thread, which may have inherited a mask that blocks it.
   *
   * @param host where
   */
  public static void unblock(HostCalls host) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment set = arena.allocateFrom(ValueLayout.JAVA_LONG, 1L << (NUMBER - 1));
      Descriptor.check(host, host.unblockSignals(set), "rt_sigprocmask", "signal=" + NUMBER);
    }
  }
}
