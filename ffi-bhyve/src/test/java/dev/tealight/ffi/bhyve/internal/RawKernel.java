// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import dev.tealight.ffi.posix.FreeBsdErrno;
import dev.tealight.ffi.posix.HostCalls;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** A kernel as a C program sees it: system calls by number, whose pointers are bare addresses. */
final class RawKernel {
  private static final int SETITIMER = 83;
  private static final int CONSOLE = 1;

  private final HostCalls kernel;
  private final long process;
  private final StringBuilder console = new StringBuilder();
  private @Nullable Throwable failure;

  RawKernel(HostCalls kernel, long process) {
    this.kernel = kernel;
    this.process = process;
  }

  /** {@return what was written to the console} */
  String console() {
    if (failure != null) {
      throw new AssertionError(console.toString(), failure);
    }
    return console.toString();
  }

  /** Called from C, where nothing may be thrown. */
  long call(long number, long a, long b, long c, long d, long e, long f) {
    try {
      return dispatch((int) number, a, b, c, d, e, f);
    } catch (RuntimeException | Error thrown) {
      failure = thrown;
      return -FreeBsdErrno.EFAULT;
    }
  }

  private long dispatch(int number, long a, long b, long c, long d, long e, long f) {
    return switch (number) {
      case FreeBsdCall.WRITE -> {
        if (a != CONSOLE) {
          throw new AssertionError("a write to descriptor " + a);
        }
        byte[] bytes = bytes(b, c).toArray(ValueLayout.JAVA_BYTE);
        console.append(new String(bytes, StandardCharsets.UTF_8));
        yield c;
      }
      case FreeBsdCall.OPEN -> kernel.open(text(a), (int) b);
      case FreeBsdCall.CLOSE -> kernel.close((int) a);
      case FreeBsdCall.GETPID -> process;
      case FreeBsdCall.IOCTL -> kernel.ioctl((int) a, (int) b, c);
      case FreeBsdCall.MMAP -> kernel.mmap(b, (int) c, (int) d, (int) e, f);
      case FreeBsdCall.MUNMAP -> kernel.munmap(a, b);
      case FreeBsdCall.MINHERIT -> kernel.minherit(a, b, (int) c);
      case FreeBsdCall.SYSCTLBYNAME -> kernel.sysctl(text(a), value(c, d), word(d), bytes(e, f));
      case SETITIMER -> 0;
      default -> throw new AssertionError("system call " + number);
    };
  }

  private static MemorySegment value(long address, long byteSizeAt) {
    return address == 0
        ? MemorySegment.NULL
        : bytes(address, word(byteSizeAt).get(ValueLayout.JAVA_LONG, 0));
  }

  private static MemorySegment word(long address) {
    return address == 0 ? MemorySegment.NULL : bytes(address, Long.BYTES);
  }

  private static MemorySegment text(long address) {
    return bytes(address, bytes(address, Integer.MAX_VALUE).getString(0).length() + 1L);
  }

  @SuppressWarnings("restricted")
  private static MemorySegment bytes(long address, long byteSize) {
    // SAFETY: as for a kernel, what a call points to is the caller's.
    return MemorySegment.ofAddress(address).reinterpret(byteSize);
  }
}
