// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import static dev.tealight.ffi.posix.NativeAccess.address;
import static dev.tealight.ffi.posix.NativeAccess.failure;
import static dev.tealight.ffi.posix.NativeAccess.unexpected;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.ref.Reference;
import java.util.Objects;

/**
 * FreeBSD on amd64, through the functions of its C library. What only the KVM backend and the
 * filter of system calls use is not there: those calls fail with {@code ENOSYS}.
 */
final class FreeBsdHostCalls implements HostCalls {
  /** Linked at the first call, not when the class is loaded. */
  private static final class Symbols {
    static final MethodHandle OPEN = NativeAccess.linkVariadic("open");
    static final MethodHandle CLOSE = NativeAccess.link("close");
    static final MethodHandle IOCTL = NativeAccess.linkVariadic("ioctl");
    static final MethodHandle READ = NativeAccess.link("read");
    static final MethodHandle WRITE = NativeAccess.link("write");
    static final MethodHandle MMAP = NativeAccess.link("mmap");
    static final MethodHandle MUNMAP = NativeAccess.link("munmap");
    static final MethodHandle MADVISE = NativeAccess.link("madvise");
    static final MethodHandle PPOLL = NativeAccess.link("ppoll");
    static final MethodHandle EVENTFD = NativeAccess.link("eventfd");
    static final MethodHandle SOCKET = NativeAccess.link("socket");
    static final MethodHandle GETPID = NativeAccess.link("getpid");
  }

  /** What other C libraries lack. */
  private static final class OwnSymbols {
    static final MethodHandle SYSCTL = NativeAccess.link("sysctlbyname");
    static final MethodHandle MINHERIT = NativeAccess.link("minherit");
  }

  /** Linked when a guest is first run, which not every process does. */
  private static final class HotSymbols {
    static final MethodHandle IOCTL = NativeAccess.linkVariadicWithoutErrno("ioctl");
  }

  /** A segment for each thread, since errno is read after the call. */
  private final ThreadLocal<MemorySegment> errno =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(NativeAccess.ERRNO_LAYOUT));

  @Override
  public long open(MemorySegment path, int flags) {
    try {
      return callInt(Symbols.OPEN, address(path), flags | FreeBsdAbi.O_CLOEXEC, 0, 0, 0);
    } finally {
      Reference.reachabilityFence(path);
    }
  }

  @Override
  public long close(int descriptor) {
    return callInt(Symbols.CLOSE, descriptor, 0, 0, 0, 0);
  }

  @Override
  public long ioctl(int descriptor, int request, long argument) {
    return callInt(Symbols.IOCTL, descriptor, Integer.toUnsignedLong(request), argument, 0, 0);
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
  public long hotIoctl(int descriptor, int request, long argument) {
    try {
      int result =
          (int)
              (long)
                  HotSymbols.IOCTL.invokeExact(
                      (long) descriptor, Integer.toUnsignedLong(request), argument, 0L, 0L, 0L, 0L);
      return result == -1 ? FAILED : result;
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  @Override
  public long read(int descriptor, MemorySegment buffer) {
    try {
      return call(Symbols.READ, descriptor, address(buffer), buffer.byteSize(), 0, 0, 0);
    } finally {
      Reference.reachabilityFence(buffer);
    }
  }

  @Override
  public long write(int descriptor, MemorySegment buffer) {
    try {
      return call(Symbols.WRITE, descriptor, address(buffer), buffer.byteSize(), 0, 0, 0);
    } finally {
      Reference.reachabilityFence(buffer);
    }
  }

  @Override
  public long read(int descriptor, MemorySegment segment, long offset, long byteSize) {
    Objects.checkFromIndexSize(offset, byteSize, segment.byteSize());
    try {
      return call(Symbols.READ, descriptor, address(segment) + offset, byteSize, 0, 0, 0);
    } finally {
      Reference.reachabilityFence(segment);
    }
  }

  @Override
  public long write(int descriptor, MemorySegment segment, long offset, long byteSize) {
    Objects.checkFromIndexSize(offset, byteSize, segment.byteSize());
    try {
      return call(Symbols.WRITE, descriptor, address(segment) + offset, byteSize, 0, 0, 0);
    } finally {
      Reference.reachabilityFence(segment);
    }
  }

  @Override
  public long socket(int family, int type) {
    int flags = FreeBsdAbi.SOCK_CLOEXEC | FreeBsdAbi.SOCK_NONBLOCK;
    return callInt(Symbols.SOCKET, family, type | flags, 0, 0, 0);
  }

  @Override
  public long mmap(long byteSize, int protection, int flags, int descriptor, long offset) {
    return call(Symbols.MMAP, 0, byteSize, protection, flags, descriptor, offset);
  }

  @Override
  public long munmap(long address, long byteSize) {
    return callInt(Symbols.MUNMAP, address, byteSize, 0, 0, 0);
  }

  @Override
  public long madvise(long address, long byteSize, int advice) {
    return callInt(Symbols.MADVISE, address, byteSize, advice, 0, 0);
  }

  @Override
  public long minherit(long address, long byteSize, int inheritance) {
    return callInt(OwnSymbols.MINHERIT, address, byteSize, inheritance, 0, 0);
  }

  @Override
  public long ppoll(MemorySegment descriptors, int count, MemorySegment timeout) {
    try {
      return callInt(Symbols.PPOLL, address(descriptors), count, address(timeout), 0, 0);
    } finally {
      Reference.reachabilityFence(descriptors);
      Reference.reachabilityFence(timeout);
    }
  }

  @Override
  public long eventfd() {
    int flags = FreeBsdAbi.EFD_CLOEXEC | FreeBsdAbi.EFD_NONBLOCK;
    return callInt(Symbols.EVENTFD, 0, flags, 0, 0, 0);
  }

  @Override
  public long sysctl(
      MemorySegment name, MemorySegment value, MemorySegment valueByteSize, MemorySegment wanted) {
    try {
      return callInt(
          OwnSymbols.SYSCTL,
          address(name),
          address(value),
          address(valueByteSize),
          address(wanted),
          wanted.byteSize());
    } finally {
      Reference.reachabilityFence(name);
      Reference.reachabilityFence(value);
      Reference.reachabilityFence(valueByteSize);
      Reference.reachabilityFence(wanted);
    }
  }

  @Override
  public long getpid() {
    return callInt(Symbols.GETPID, 0, 0, 0, 0, 0);
  }

  @Override
  public long gettid() {
    return -FreeBsdErrno.ENOSYS;
  }

  @Override
  public long tgkill(int thread, int signal) {
    return -FreeBsdErrno.ENOSYS;
  }

  @Override
  public long sigaction(int signal, MemorySegment action, MemorySegment previous) {
    return -FreeBsdErrno.ENOSYS;
  }

  @Override
  public long idleHandler() {
    return 0;
  }

  @Override
  public long unblockSignals(MemorySegment set) {
    return -FreeBsdErrno.ENOSYS;
  }

  /** FreeBSD rounds timers by {@code kern.timecounter.alloweddeviation}, for the whole system. */
  @Override
  public long setTimerSlack(long nanos) {
    return -FreeBsdErrno.ENOSYS;
  }

  @Override
  public long confine(MemorySegment program) {
    return -FreeBsdErrno.ENOSYS;
  }

  @Override
  public int tryAgain() {
    return FreeBsdErrno.EAGAIN;
  }

  @Override
  public String errnoName(int number) {
    return FreeBsdErrno.name(number);
  }

  /** An int comes back in the lower half of the register; the upper half is undefined. */
  private long callInt(MethodHandle function, long a, long b, long c, long d, long e) {
    MemorySegment state = errno.get();
    try {
      int result = (int) (long) function.invokeExact(state, a, b, c, d, e, 0L, 0L);
      return result == -1 ? failure(state) : result;
    } catch (Throwable thrown) {
      throw unexpected(thrown);
    }
  }

  private long call(MethodHandle function, long a, long b, long c, long d, long e, long f) {
    MemorySegment state = errno.get();
    try {
      long result = (long) function.invokeExact(state, a, b, c, d, e, f, 0L);
      return result == -1 ? failure(state) : result;
    } catch (Throwable thrown) {
      throw unexpected(thrown);
    }
  }
}
