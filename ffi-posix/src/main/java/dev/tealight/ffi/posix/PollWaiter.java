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
 * Waits by {@code ppoll} for the sources' descriptors and an event counter, which {@link #wake}
 * rings if a thread waits. A wait allocates nothing; what it needs is made for the first one, since
 * many guests never wait.
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
  private final Descriptor event;

  /** Held for moments only: keeps a wake from writing to a number that was closed and reused. */
  private final Object turn = new Object();

  // Guarded by turn.
  private boolean waiting;
  private boolean woken; // since the last wait; if during one, the event counter was rung once
  private boolean closed;
  private @Nullable Memory memory;

  // What belongs to the waiting thread.
  private @Nullable List<ReadinessSource> prepared;
  private int count;
  private boolean silent; // some source has no descriptor
  private boolean muted; // some descriptor is left alone for now

  /** What is handed to the host. */
  private static final class Memory {
    final Arena arena = Arena.ofShared();
    final MemorySegment one = arena.allocateFrom(ValueLayout.JAVA_LONG, 1);
    final MemorySegment counter = arena.allocate(ValueLayout.JAVA_LONG);
    final MemorySegment timeout = arena.allocate(LinuxAbi.TIMESPEC);
    MemorySegment entries = arena.allocate(LinuxAbi.POLLFD, 4);
  }

  /**
   * Creates a waiter.
   *
   * @param host where
   * @throws dev.tealight.HostCallException if the host refuses
   */
  public PollWaiter(HostCalls host) {
    this.host = host;
    event = Descriptor.event(host);
  }

  @Override
  public void await(TimeSource time, long deadlineNanos, List<ReadinessSource> sources) {
    Memory used = begin();
    if (used != null) {
      try {
        awaitAny(used, time, deadlineNanos, sources);
      } finally {
        end(used);
      }
    }
  }

  /** {@return the memory to wait with, or null if there was a wake, which is used up} */
  private @Nullable Memory begin() {
    synchronized (turn) {
      if (closed || waiting) {
        throw new IllegalStateException(
            closed ? "the waiter is closed" : "the waiter is in use by another thread");
      }
      if (woken) {
        woken = false;
        return null;
      }
      Memory used = memory;
      if (used == null) {
        used = new Memory();
        memory = used;
      }
      waiting = true;
      return used;
    }
  }

  private void end(Memory used) {
    synchronized (turn) {
      waiting = false;
      if (woken) {
        woken = false;
        Descriptor.check(host, host.read(event.number(), used.counter), "read", event.toString());
      }
    }
  }

  @SuppressWarnings("ReferenceEquality") // the same list object is what costs nothing
  private void awaitAny(
      Memory used, TimeSource time, long deadlineNanos, List<ReadinessSource> sources) {
    if (sources != prepared) {
      prepare(used, sources);
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
      long ready = poll(used, muted ? Math.min(nanos, MUTE_NANOS) : nanos);
      if (ready > 0) {
        break;
      }
      if (ready < 0 && ready != -LinuxErrno.EINTR) {
        throw Descriptor.failure(host, (int) -ready, "ppoll", "descriptors=" + count);
      }
      if (ready == 0 && muted) {
        prepare(used, sources);
      }
    }
    report(used.entries, sources);
  }

  /**
   * Linux lets timers of a thread be 50 microseconds late unless told otherwise. The thread may be
   * the embedder's, so it is told for the wait only, which takes two more calls; a carrier of
   * virtual threads never is.
   */
  private long poll(Memory used, long nanos) {
    if (nanos == NO_DEADLINE) {
      return host.ppoll(used.entries, count, MemorySegment.NULL);
    }
    MemorySegment timeout = used.timeout;
    timeout.set(ValueLayout.JAVA_LONG, 0, nanos / NANOS_PER_SECOND);
    timeout.set(ValueLayout.JAVA_LONG, 8, nanos % NANOS_PER_SECOND);
    if (nanos >= PUNCTUAL_NANOS || Thread.currentThread().isVirtual()) {
      return host.ppoll(used.entries, count, timeout);
    }
    // A host that refuses is only less punctual.
    long _ = host.setTimerSlack(1);
    try {
      return host.ppoll(used.entries, count, timeout);
    } finally {
      long _ = host.setTimerSlack(0);
    }
  }

  /**
   * Tells sources of their input, and leaves those alone that would end each wait at once without
   * anything being ready.
   */
  private void report(MemorySegment entries, List<ReadinessSource> sources) {
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

  private void prepare(Memory used, List<ReadinessSource> sources) {
    long needed = (sources.size() + 1L) * ENTRY;
    if (needed > used.entries.byteSize()) {
      used.entries = used.arena.allocate(LinuxAbi.POLLFD, 2L * (sources.size() + 1));
    }
    count = 0;
    silent = false;
    muted = false;
    add(used.entries, event.number());
    for (ReadinessSource source : sources) {
      if (source.descriptor() >= 0) {
        add(used.entries, source.descriptor());
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

  private void add(MemorySegment entries, int descriptor) {
    long entry = count++ * ENTRY;
    entries.set(ValueLayout.JAVA_INT, entry, descriptor);
    entries.set(ValueLayout.JAVA_SHORT, entry + EVENTS, (short) LinuxAbi.POLLIN);
    entries.set(ValueLayout.JAVA_SHORT, entry + REVENTS, (short) 0);
  }

  @Override
  public void wake() {
    synchronized (turn) {
      if (closed || woken) {
        return;
      }
      woken = true;
      if (waiting && memory != null) {
        long _ = host.write(event.number(), memory.one); // the counter is 0, so there is room
      }
    }
  }

  @Override
  public void close() {
    Memory used;
    synchronized (turn) {
      if (closed) {
        return;
      }
      if (waiting) { // the kernel is using the memory
        throw new IllegalStateException(
            "a thread waits here: wake it and wait for its return before closing the waiter");
      }
      closed = true;
      used = memory;
    }
    try {
      event.close();
    } finally {
      if (used != null) {
        used.arena.close();
      }
    }
  }
}
