// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import dev.tealight.HostCallException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * An open descriptor and the calls on it, as methods that throw {@link HostCallException}. Any
 * thread may use it; whoever opened it closes it, after its last use.
 */
public final class Descriptor implements AutoCloseable {
  private final HostCalls host;
  private final int number;
  private final String what;
  private final AtomicBoolean closed = new AtomicBoolean();

  /**
   * Takes over a descriptor that the host just gave.
   *
   * @param host where it is open
   * @param number its number
   * @param what it is, for messages
   */
  public Descriptor(HostCalls host, int number, String what) {
    this.host = host;
    this.number = number;
    this.what = what;
  }

  /**
   * Opens a file.
   *
   * @param host where
   * @param path which
   * @param flags {@code O_} flags
   * @return a descriptor that the caller closes
   */
  public static Descriptor open(HostCalls host, String path, int flags) {
    try (Arena arena = Arena.ofConfined()) {
      long result = host.open(arena.allocateFrom(path), flags);
      return new Descriptor(host, (int) check(host, result, "open", path), path);
    }
  }

  /**
   * Creates an event counter.
   *
   * @param host where
   * @return a non-blocking descriptor that the caller closes
   */
  public static Descriptor event(HostCalls host) {
    return new Descriptor(host, (int) check(host, host.eventfd(), "eventfd", ""), "eventfd");
  }

  /**
   * {@return the result, if it is one}
   *
   * @param host whose result it is
   * @param result of one of its calls
   * @param call its name, for the message
   * @param details the values passed and what to do; may be empty
   * @throws HostCallException if the result is a negated errno
   */
  public static long check(HostCalls host, long result, String call, String details) {
    if (result < 0) {
      throw failure(host, (int) -result, call, details);
    }
    return result;
  }

  /**
   * {@return the exception for a failed call}
   *
   * @param host that failed
   * @param errno positive
   * @param call its name
   * @param details the values passed and what to do; may be empty
   */
  public static HostCallException failure(HostCalls host, int errno, String call, String details) {
    return new HostCallException(call, errno, host.errnoName(errno), details);
  }

  /** {@return whether it was not closed yet} */
  public boolean isOpen() {
    return !closed.get();
  }

  /** {@return its number, valid until it is closed} */
  public int number() {
    return number;
  }

  /**
   * Makes a device request with a number.
   *
   * @param request which
   * @param argument the number
   * @return what the device answers
   */
  public int ioctl(Ioctl request, long argument) {
    return checked(request, host.ioctl(open(), request.code(), argument), "argument=" + argument);
  }

  /**
   * Makes a device request with a structure.
   *
   * @param request which
   * @param argument the structure, native
   * @param details its values, for the message; {@link #toString} is called only if it fails
   * @return what the device answers
   */
  public int ioctl(Ioctl request, MemorySegment argument, Object details) {
    return checked(request, host.ioctl(open(), request.code(), argument), details);
  }

  /**
   * Makes a device request that gives a new descriptor.
   *
   * @param request which
   * @param argument the number
   * @return a descriptor that the caller closes
   */
  public Descriptor ioctlDescriptor(Ioctl request, long argument) {
    return new Descriptor(host, ioctl(request, argument), request.name());
  }

  private int checked(Ioctl request, long result, Object details) {
    if (result < 0) {
      throw failure(host, (int) -result, request.toString(), "%s on %s".formatted(details, what));
    }
    return (int) result;
  }

  /**
   * Reads once.
   *
   * @param buffer filled from its start, native
   * @return how many bytes were read, 0 at the end
   */
  public long read(MemorySegment buffer) {
    return check(host, host.read(open(), buffer), "read", what);
  }

  /**
   * Writes once.
   *
   * @param buffer native
   * @return how many bytes were written
   */
  public long write(MemorySegment buffer) {
    return check(host, host.write(open(), buffer), "write", what);
  }

  /** Closes it; harmless if repeated. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      long result = host.close(number);
      // The host frees the number even when a signal cut the call short.
      if (result < 0 && result != -LinuxErrno.EINTR) {
        throw failure(host, (int) -result, "close", what);
      }
    }
  }

  private int open() {
    if (closed.get()) {
      throw new IllegalStateException(what + " is closed");
    }
    return number;
  }

  @Override
  public String toString() {
    return what;
  }
}
