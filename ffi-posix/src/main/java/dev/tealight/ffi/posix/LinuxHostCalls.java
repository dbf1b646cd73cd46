// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import static dev.tealight.ffi.posix.NativeAccess.address;
import static dev.tealight.ffi.posix.NativeAccess.failure;
import static dev.tealight.ffi.posix.NativeAccess.unexpected;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.ref.Reference;

/**
 * Linux on x86-64. Almost everything goes through the C library's {@code syscall}, by the numbers
 * of {@code asm/unistd_64.h}.
 */
final class LinuxHostCalls implements HostCalls {
  static final int SYS_READ = 0;
  static final int SYS_WRITE = 1;
  static final int SYS_CLOSE = 3;
  static final int SYS_MMAP = 9;
  static final int SYS_MUNMAP = 11;
  static final int SYS_RT_SIGPROCMASK = 14;
  static final int SYS_IOCTL = 16;
  static final int SYS_MADVISE = 28;
  static final int SYS_GETPID = 39;
  static final int SYS_SOCKET = 41;
  static final int SYS_CONNECT = 42;
  static final int SYS_PRCTL = 157;
  static final int SYS_GETTID = 186;
  static final int SYS_TGKILL = 234;
  static final int SYS_OPENAT = 257;
  static final int SYS_PPOLL = 271;
  static final int SYS_EVENTFD2 = 290;
  static final int SYS_SECCOMP = 317;

  private static final int AT_FDCWD = -100;
  private static final int SIG_UNBLOCK = 1;
  private static final int SIGSET_BYTE_SIZE = 8;
  private static final int PR_SET_TIMERSLACK = 29;
  private static final int PR_SET_NO_NEW_PRIVS = 38;
  private static final int SECCOMP_SET_MODE_FILTER = 1;
  private static final int SECCOMP_FILTER_FLAG_TSYNC = 1;

  /** Linked at the first call, not when this class is loaded. */
  private static final class Symbols {
    static final MethodHandle SYSCALL = NativeAccess.link("syscall");
    static final MethodHandle SIGACTION = NativeAccess.link("sigaction");
    static final long GETPID = NativeAccess.functionAddress("getpid");
  }

  /**
   * Linked after {@link #FIRST_CALLS} calls by the other form: to link it takes milliseconds, which
   * a guest that soon ends would feel.
   */
  static final class HotSymbols {
    static final int FIRST_CALLS = 256;

    static final MethodHandle SYSCALL = NativeAccess.linkWithoutErrno("syscall");
  }

  /** A segment for each thread, since errno is read after the call. */
  private final ThreadLocal<MemorySegment> errno =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(NativeAccess.ERRNO_LAYOUT));

  private final long process;

  /** How often {@link #hotIoctl} was called; threads may lose a few, which does no harm. */
  private int hotCalls;

  LinuxHostCalls() {
    process = call(SYS_GETPID, 0, 0, 0, 0, 0, 0);
  }

  @Override
  public long open(MemorySegment path, int flags) {
    try {
      return call(SYS_OPENAT, AT_FDCWD, address(path), flags | LinuxAbi.O_CLOEXEC, 0, 0, 0);
    } finally {
      Reference.reachabilityFence(path);
    }
  }

  @Override
  public long close(int descriptor) {
    return call(SYS_CLOSE, descriptor, 0, 0, 0, 0, 0);
  }

  @Override
  public long ioctl(int descriptor, int request, long argument) {
    return call(SYS_IOCTL, descriptor, Integer.toUnsignedLong(request), argument, 0, 0, 0);
  }

  @Override
  public long hotIoctl(int descriptor, int request, long argument) {
    if (hotCalls < HotSymbols.FIRST_CALLS) {
      hotCalls++;
      long result = ioctl(descriptor, request, argument);
      return result < 0 ? FAILED : result;
    }
    try {
      long result =
          (long)
              HotSymbols.SYSCALL.invokeExact(
                  (long) SYS_IOCTL,
                  (long) descriptor,
                  Integer.toUnsignedLong(request),
                  argument,
                  0L,
                  0L,
                  0L);
      return result == -1 ? FAILED : result;
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  @Override
  public long ioctl(int descriptor, int request, MemorySegment argument) {
    try {
      return ioctl(descriptor, request, address(argument));
    } finally {
      Reference.reachabilityFence(argument);
    }
  }

  @Override
  public long read(int descriptor, MemorySegment buffer) {
    try {
      return call(SYS_READ, descriptor, address(buffer), buffer.byteSize(), 0, 0, 0);
    } finally {
      Reference.reachabilityFence(buffer);
    }
  }

  @Override
  public long write(int descriptor, MemorySegment buffer) {
    try {
      return call(SYS_WRITE, descriptor, address(buffer), buffer.byteSize(), 0, 0, 0);
    } finally {
      Reference.reachabilityFence(buffer);
    }
  }

  @Override
  public long read(int descriptor, MemorySegment segment, long offset, long byteSize) {
    try {
      return call(SYS_READ, descriptor, address(segment, offset, byteSize), byteSize, 0, 0, 0);
    } finally {
      Reference.reachabilityFence(segment);
    }
  }

  @Override
  public long write(int descriptor, MemorySegment segment, long offset, long byteSize) {
    try {
      return call(SYS_WRITE, descriptor, address(segment, offset, byteSize), byteSize, 0, 0, 0);
    } finally {
      Reference.reachabilityFence(segment);
    }
  }

  @Override
  public long socket(int family, int type) {
    int flags = LinuxAbi.SOCK_CLOEXEC | LinuxAbi.SOCK_NONBLOCK;
    return call(SYS_SOCKET, family, type | flags, 0, 0, 0, 0);
  }

  @Override
  public long connect(int descriptor, MemorySegment address) {
    try {
      return call(SYS_CONNECT, descriptor, address(address), address.byteSize(), 0, 0, 0);
    } finally {
      Reference.reachabilityFence(address);
    }
  }

  @Override
  public long mmap(long byteSize, int protection, int flags, int descriptor, long offset) {
    return call(SYS_MMAP, 0, byteSize, protection, flags, descriptor, offset);
  }

  @Override
  public long munmap(long address, long byteSize) {
    return call(SYS_MUNMAP, address, byteSize, 0, 0, 0, 0);
  }

  @Override
  public long madvise(long address, long byteSize, int advice) {
    return call(SYS_MADVISE, address, byteSize, advice, 0, 0, 0);
  }

  @Override
  public long ppoll(MemorySegment descriptors, int count, MemorySegment timeout) {
    try {
      return call(SYS_PPOLL, address(descriptors), count, address(timeout), 0, 0, 0);
    } finally {
      Reference.reachabilityFence(descriptors);
      Reference.reachabilityFence(timeout);
    }
  }

  @Override
  public long eventfd() {
    return call(SYS_EVENTFD2, 0, LinuxAbi.EFD_CLOEXEC | LinuxAbi.EFD_NONBLOCK, 0, 0, 0, 0);
  }

  @Override
  public long gettid() {
    return call(SYS_GETTID, 0, 0, 0, 0, 0, 0);
  }

  @Override
  public long tgkill(int thread, int signal) {
    return call(SYS_TGKILL, process, thread, signal, 0, 0, 0);
  }

  /**
   * The C library's own, not the system call: that one wants the address of code that returns from
   * the handler, which the library keeps to itself.
   */
  @Override
  public long sigaction(int signal, MemorySegment action, MemorySegment previous) {
    MemorySegment state = errno.get();
    try {
      long result =
          (long)
              Symbols.SIGACTION.invokeExact(
                  state, (long) signal, address(action), address(previous), 0L, 0L, 0L, 0L);
      // An int comes back in the lower half of the register; the upper half is undefined.
      return (int) result == -1 ? failure(state) : 0;
    } catch (Throwable e) {
      throw unexpected(e);
    } finally {
      Reference.reachabilityFence(action);
      Reference.reachabilityFence(previous);
    }
  }

  /** {@code getpid} is async-signal-safe, takes no argument and leaves errno alone. */
  @Override
  public long idleHandler() {
    return Symbols.GETPID;
  }

  @Override
  public long unblockSignals(MemorySegment set) {
    try {
      return call(SYS_RT_SIGPROCMASK, SIG_UNBLOCK, address(set), 0, SIGSET_BYTE_SIZE, 0, 0);
    } finally {
      Reference.reachabilityFence(set);
    }
  }

  @Override
  public long setTimerSlack(long nanos) {
    return call(SYS_PRCTL, PR_SET_TIMERSLACK, nanos, 0, 0, 0, 0);
  }

  @Override
  public long getpid() {
    return process;
  }

  @Override
  public long confine(MemorySegment program) {
    long result = call(SYS_PRCTL, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0);
    if (result != 0) {
      return result;
    }
    try {
      return call(
          SYS_SECCOMP,
          SECCOMP_SET_MODE_FILTER,
          SECCOMP_FILTER_FLAG_TSYNC,
          address(program),
          0,
          0,
          0);
    } finally {
      Reference.reachabilityFence(program);
    }
  }

  @Override
  public String errnoName(int number) {
    return LinuxErrno.name(number);
  }

  private long call(int number, long a, long b, long c, long d, long e, long f) {
    MemorySegment state = errno.get();
    try {
      long result = (long) Symbols.SYSCALL.invokeExact(state, (long) number, a, b, c, d, e, f);
      return result == -1 ? failure(state) : result;
    } catch (Throwable thrown) {
      throw unexpected(thrown);
    }
  }
}
