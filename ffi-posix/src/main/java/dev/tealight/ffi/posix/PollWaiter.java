// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import dev.tealight.ReadinessSource;
import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Waits by {@code ppoll} for the sources' descriptors and an event counter that {@link #wake}
 * rings. A wait allocates nothing.
 */
public final class PollWaiter implements Waiter {
  private static final long ENTRY = LinuxAbi.POLLFD.byteSize();
  private static final long EVENTS = LinuxAbi.POLLFD.byteOffset(PathElement.groupElement("events"));
  private static final long REVENTS =
      LinuxAbi.POLLFD.byteOffset(PathElement.groupElement("revents"));
  private static final long NANOS_PER_SECOND = 1_000_000_000;

  private final HostCalls host;
  private final Arena arena = Arena.ofShared();
  private final Descriptor event;
  private final MemorySegment one;
  private final MemorySegment counter;
  private final MemorySegment timeout;

  /** Held for moments only: keeps a wake from writing to a number that was closed and reused. */
  private final Object closing = new Object();

  private boolean closed;

  // What belongs to the waiting thread.
  private @Nullable List<ReadinessSource> prepared;
  private MemorySegment entries;
  private int count;
  private boolean silent; // some source has no descriptor
  private @Nullable Thread punctual;

  /**
   * Creates a waiter.
   *
   * @param host where
   * @throws dev.tealight.HostCallException if the host refuses
   */
  public PollWaiter(HostCalls host) {
    this.host = host;
    one = arena.allocateFrom(ValueLayout.JAVA_LONG, 1);
    counter = arena.allocate(ValueLayout.JAVA_LONG);
    timeout = arena.allocate(LinuxAbi.TIMESPEC);
    entries = arena.allocate(LinuxAbi.POLLFD, 4);
    try {
      event = Descriptor.event(host);
    } catch (RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  @Override
  @SuppressWarnings("ReferenceEquality") // the same list object is what costs nothing
  public void await(TimeSource time, long deadlineNanos, List<ReadinessSource> sources) {
    if (sources != prepared) {
      prepare(sources);
    }
    if (silent && isReady(sources)) {
      return;
    }
    MemorySegment limit = MemorySegment.NULL;
    while (true) {
      if (deadlineNanos != NO_DEADLINE) {
        long nanos = deadlineNanos - time.monotonicNanos();
        if (nanos <= 0) {
          return;
        }
        bePunctual();
        timeout.set(ValueLayout.JAVA_LONG, 0, nanos / NANOS_PER_SECOND);
        timeout.set(ValueLayout.JAVA_LONG, 8, nanos % NANOS_PER_SECOND);
        limit = timeout;
      }
      long ready = host.ppoll(entries, count, limit);
      if (ready >= 0) {
        break;
      }
      if (ready != -LinuxErrno.EINTR) {
        throw Descriptor.failure(host, (int) -ready, "ppoll", "descriptors=" + count);
      }
    }
    if (entries.get(ValueLayout.JAVA_SHORT, REVENTS) != 0) {
      long result = host.read(event.number(), counter);
      if (result < 0 && result != -LinuxErrno.EAGAIN) {
        throw Descriptor.failure(host, (int) -result, "read", event.toString());
      }
    }
  }

  private void prepare(List<ReadinessSource> sources) {
    long needed = (sources.size() + 1L) * ENTRY;
    if (needed > entries.byteSize()) {
      entries = arena.allocate(LinuxAbi.POLLFD, 2L * (sources.size() + 1));
    }
    count = 0;
    silent = false;
    add(event.number());
    for (ReadinessSource source : sources) {
      if (source.descriptor() >= 0) {
        add(source.descriptor());
      } else {
        silent = true;
      }
    }
    prepared = sources;
  }

  /** {@return whether a source is ready of those that wake only when they become so} */
  private static boolean isReady(List<ReadinessSource> sources) {
    for (int i = 0; i < sources.size(); i++) { // an iterator would be an object
      ReadinessSource source = sources.get(i);
      if (source.descriptor() < 0 && source.isReady()) {
        return true;
      }
    }
    return false;
  }

  private void add(int descriptor) {
    long entry = count++ * ENTRY;
    entries.set(ValueLayout.JAVA_INT, entry, descriptor);
    entries.set(ValueLayout.JAVA_SHORT, entry + EVENTS, (short) LinuxAbi.POLLIN);
    entries.set(ValueLayout.JAVA_SHORT, entry + REVENTS, (short) 0);
  }

  /**
   * Linux lets timers of a thread be 50 microseconds late unless told otherwise. A carrier is left
   * alone: others use it.
   */
  private void bePunctual() {
    Thread current = Thread.currentThread();
    if (current != punctual) {
      punctual = current;
      if (!current.isVirtual()) {
        // A host that refuses is only less punctual.
        long _ = host.setTimerSlack(1);
      }
    }
  }

  @Override
  public void wake() {
    synchronized (closing) {
      if (!closed) {
        // EAGAIN: the counter is full, so the waiter is woken anyway.
        long _ = host.write(event.number(), one);
      }
    }
  }

  @Override
  public void close() {
    synchronized (closing) {
      if (closed) {
        return;
      }
      closed = true;
    }
    try {
      event.close();
    } finally {
      arena.close();
    }
  }
}
