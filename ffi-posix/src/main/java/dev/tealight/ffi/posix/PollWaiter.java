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
  private static final int FAILURES = LinuxAbi.POLLERR | LinuxAbi.POLLHUP | LinuxAbi.POLLNVAL;

  /** How long a descriptor in error, whose source is not ready, is left alone. */
  private static final long MUTE_NANOS = 100_000_000;

  /** Longer waits may be late by the host's timer slack, which is less than a hundredth of them. */
  private static final long PUNCTUAL_NANOS = 10_000_000;

  private final HostCalls host;
  private final Arena arena = Arena.ofShared();
  private final Descriptor event;
  private final MemorySegment one;
  private final MemorySegment counter;
  private final MemorySegment timeout;

  /** Held for moments only: keeps a wake from writing to a number that was closed and reused. */
  private final Object closing = new Object();

  // Guarded by closing.
  private boolean waiting;
  private boolean closed;

  // What belongs to the waiting thread.
  private @Nullable List<ReadinessSource> prepared;
  private MemorySegment entries;
  private int count;
  private boolean silent; // some source has no descriptor
  private boolean muted; // some descriptor is left alone for now

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
  public void await(TimeSource time, long deadlineNanos, List<ReadinessSource> sources) {
    begin();
    try {
      awaitAny(time, deadlineNanos, sources);
    } finally {
      end();
    }
  }

  private void begin() {
    synchronized (closing) {
      if (closed || waiting) {
        throw new IllegalStateException(
            closed ? "the waiter is closed" : "the waiter is in use by another thread");
      }
      waiting = true;
    }
  }

  private void end() {
    synchronized (closing) {
      waiting = false;
    }
  }

  @SuppressWarnings("ReferenceEquality") // the same list object is what costs nothing
  private void awaitAny(TimeSource time, long deadlineNanos, List<ReadinessSource> sources) {
    if (sources != prepared) {
      prepare(sources);
    }
    if (silent && isReady(sources)) {
      return;
    }
    while (true) {
      long nanos =
          deadlineNanos == NO_DEADLINE ? NO_DEADLINE : deadlineNanos - time.monotonicNanos();
      if (nanos <= 0) {
        return;
      }
      long ready = poll(muted ? Math.min(nanos, MUTE_NANOS) : nanos);
      if (ready > 0) {
        break;
      }
      if (ready < 0 && ready != -LinuxErrno.EINTR) {
        throw Descriptor.failure(host, (int) -ready, "ppoll", "descriptors=" + count);
      }
      if (ready == 0 && muted) {
        prepare(sources);
      }
    }
    if (entries.get(ValueLayout.JAVA_SHORT, REVENTS) != 0) {
      long result = host.read(event.number(), counter);
      if (result < 0 && result != -host.tryAgain()) {
        throw Descriptor.failure(host, (int) -result, "read", event.toString());
      }
    }
    report(sources);
  }

  /**
   * Linux lets timers of a thread be 50 microseconds late unless told otherwise. The thread may be
   * the embedder's, so it is told for the wait only, which takes two more calls; a carrier of
   * virtual threads never is.
   */
  private long poll(long nanos) {
    if (nanos == NO_DEADLINE) {
      return host.ppoll(entries, count, MemorySegment.NULL);
    }
    timeout.set(ValueLayout.JAVA_LONG, 0, nanos / NANOS_PER_SECOND);
    timeout.set(ValueLayout.JAVA_LONG, 8, nanos % NANOS_PER_SECOND);
    if (nanos >= PUNCTUAL_NANOS || Thread.currentThread().isVirtual()) {
      return host.ppoll(entries, count, timeout);
    }
    // A host that refuses is only less punctual.
    long _ = host.setTimerSlack(1);
    try {
      return host.ppoll(entries, count, timeout);
    } finally {
      long _ = host.setTimerSlack(0);
    }
  }

  /**
   * Tells sources of their input, and leaves those alone that would end each wait at once without
   * anything being ready.
   */
  private void report(List<ReadinessSource> sources) {
    long entry = 0;
    for (int i = 0; i < sources.size(); i++) { // an iterator would be an object
      ReadinessSource source = sources.get(i);
      if (source.descriptor() >= 0) {
        entry += ENTRY;
        int events = entries.get(ValueLayout.JAVA_SHORT, entry + REVENTS);
        if ((events & FAILURES) == 0) {
          if ((events & LinuxAbi.POLLIN) != 0) {
            source.polled();
          }
        } else if (!source.isReady()) {
          entries.set(ValueLayout.JAVA_INT, entry, -1); // which ppoll passes over
          muted = true;
        }
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
    muted = false;
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
      if (waiting) { // the kernel is using the memory
        throw new IllegalStateException(
            "a thread waits here: wake it and wait for its return before closing the waiter");
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
