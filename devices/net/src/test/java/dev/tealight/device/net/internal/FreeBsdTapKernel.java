// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import dev.tealight.ffi.posix.FreeBsdAbi;
import dev.tealight.ffi.posix.FreeBsdErrno;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.LinuxAbi;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Proxy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;

/** As much of FreeBSD's kernel as a tap needs: one interface, tap0. */
final class FreeBsdTapKernel {
  private static final int ENOTTY = 25;
  private static final long UNION = 16; // of an ifreq

  final List<String> opened = new ArrayList<>();
  final List<byte[]> written = new ArrayList<>();
  final Queue<byte[]> arriving = new ArrayDeque<>();
  boolean present = true;
  boolean up = true;
  boolean upOnOpen;
  boolean nonBlocking;
  int openFailure;
  int writeFailure;
  int readFailure;
  int mtu = 1500;
  int type = FreeBsdAbi.IFT_ETHER;
  int headerByteSize; // negative if the kernel does not know of headers
  int polls;

  private final Set<Integer> descriptors = new TreeSet<>();
  private final Set<Integer> taps = new TreeSet<>();
  private int next = 3;

  HostCalls calls() {
    return (HostCalls)
        Proxy.newProxyInstance(
            HostCalls.class.getClassLoader(),
            new Class<?>[] {HostCalls.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "errnoName" -> FreeBsdErrno.name((int) arguments[0]);
                  case "tryAgain" -> FreeBsdErrno.EAGAIN;
                  case "socket" -> (long) open(false);
                  case "open" -> open((MemorySegment) arguments[0], (int) arguments[1]);
                  case "close" -> close((int) arguments[0]);
                  case "ioctl" ->
                      ioctl((int) arguments[0], (int) arguments[1], (MemorySegment) arguments[2]);
                  case "write" ->
                      write((MemorySegment) arguments[1], (long) arguments[2], (long) arguments[3]);
                  case "read" ->
                      read((MemorySegment) arguments[1], (long) arguments[2], (long) arguments[3]);
                  case "ppoll" -> poll((MemorySegment) arguments[0]);
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  Set<Integer> openDescriptors() {
    return descriptors;
  }

  int openTap() {
    return open(true);
  }

  private int open(boolean tap) {
    int number = next++;
    descriptors.add(number);
    if (tap) {
      taps.add(number);
    }
    return number;
  }

  private long open(MemorySegment path, int flags) {
    if (openFailure != 0) {
      return -openFailure;
    }
    if (flags != (FreeBsdAbi.O_RDWR | FreeBsdAbi.O_NONBLOCK)) {
      throw new AssertionError("opened with the flags 0x%x".formatted(flags));
    }
    opened.add(path.getString(0));
    up |= upOnOpen;
    return openTap();
  }

  long close(int number) {
    return descriptors.remove(number) ? 0 : -FreeBsdErrno.EBADF;
  }

  private long ioctl(int number, int request, MemorySegment argument) {
    switch (request) {
      case FreeBsdAbi.SIOCGIFFLAGS -> {
        if (!present || !argument.getString(0).equals("tap0")) {
          return -FreeBsdErrno.ENXIO;
        }
        argument.set(ValueLayout.JAVA_SHORT, UNION, (short) (up ? LinuxAbi.IFF_UP : 0));
      }
      case FreeBsdAbi.TAPGIFNAME -> {
        if (!taps.contains(number)) {
          return -ENOTTY;
        }
        argument.setString(0, "tap0");
      }
      case FreeBsdAbi.TAPGIFINFO -> {
        argument.set(ValueLayout.JAVA_SHORT, 4, (short) mtu);
        argument.set(ValueLayout.JAVA_BYTE, 6, (byte) type);
      }
      case FreeBsdAbi.TAPGVNETHDR -> {
        if (headerByteSize < 0) {
          return -ENOTTY;
        }
        argument.set(ValueLayout.JAVA_INT, 0, headerByteSize);
      }
      case FreeBsdAbi.FIONBIO -> nonBlocking = argument.get(ValueLayout.JAVA_INT, 0) == 1;
      default -> throw new UnsupportedOperationException("request 0x%x".formatted(request));
    }
    return 0;
  }

  private long write(MemorySegment segment, long offset, long byteSize) {
    if (writeFailure != 0) {
      return -writeFailure;
    }
    if (!up) {
      return 0;
    }
    written.add(segment.asSlice(offset, byteSize).toArray(ValueLayout.JAVA_BYTE));
    return byteSize;
  }

  private long read(MemorySegment segment, long offset, long byteSize) {
    if (readFailure != 0) {
      return -readFailure;
    }
    byte[] frame = arriving.poll();
    if (frame == null) {
      return -FreeBsdErrno.EAGAIN;
    }
    int length = (int) Math.min(frame.length, byteSize);
    MemorySegment.copy(frame, 0, segment, ValueLayout.JAVA_BYTE, offset, length);
    return length;
  }

  private long poll(MemorySegment entries) {
    polls++;
    boolean ready = !arriving.isEmpty();
    entries.set(ValueLayout.JAVA_SHORT, 6, (short) (ready ? LinuxAbi.POLLIN : 0));
    return ready ? 1 : 0;
  }
}
