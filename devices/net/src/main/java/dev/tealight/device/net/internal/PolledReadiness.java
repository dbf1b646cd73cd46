// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import dev.tealight.ReadinessSource;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.LinuxAbi;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Whether a descriptor has input, as the host says. One thread at a time. */
final class PolledReadiness implements ReadinessSource {
  private static final long EVENTS = LinuxAbi.POLLFD.byteOffset(PathElement.groupElement("events"));
  private static final long REVENTS =
      LinuxAbi.POLLFD.byteOffset(PathElement.groupElement("revents"));

  private final HostCalls host;
  private final int descriptor;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment entry = arena.allocate(LinuxAbi.POLLFD);
  private final MemorySegment atOnce = arena.allocate(16, 8); // a timespec of 0
  private boolean polled; // a waiter has found input, which nobody has looked for since

  PolledReadiness(HostCalls host, int descriptor) {
    this.host = host;
    this.descriptor = descriptor;
    entry.set(ValueLayout.JAVA_INT, 0, descriptor);
    entry.set(ValueLayout.JAVA_SHORT, EVENTS, (short) LinuxAbi.POLLIN);
  }

  @Override
  public boolean isReady() {
    if (polled) {
      polled = false;
      return true;
    }
    return host.ppoll(entry, 1, atOnce) == 1
        && (entry.get(ValueLayout.JAVA_SHORT, REVENTS) & LinuxAbi.POLLIN) != 0;
  }

  @Override
  public int descriptor() {
    return descriptor;
  }

  @Override
  public void polled() {
    polled = true;
  }

  /** Input was taken: what a waiter has found may be gone. */
  void taken() {
    polled = false;
  }

  void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
