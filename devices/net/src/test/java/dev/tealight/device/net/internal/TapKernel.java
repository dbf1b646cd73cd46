// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

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

/** As much of a kernel as a tap needs: one interface, tap0. */
abstract class TapKernel {
  static final int ENOTTY = 25; // here as there
  static final long UNION = 16; // of an ifreq

  final List<String> opened = new ArrayList<>();
  final List<byte[]> written = new ArrayList<>();
  final Queue<byte[]> arriving = new ArrayDeque<>();
  boolean present = true;
  boolean up = true;
  boolean nonBlocking;
  int openFailure;
  int writeFailure;
  int readFailure;
  int mtu = 1500;
  int polls;

  private final int tryAgain;
  private final Set<Integer> descriptors = new TreeSet<>();
  private final Set<Integer> taps = new TreeSet<>();
  private int next = 3;

  TapKernel(int tryAgain) {
    this.tryAgain = tryAgain;
  }

  HostCalls calls() {
    return (HostCalls)
        Proxy.newProxyInstance(
            HostCalls.class.getClassLoader(),
            new Class<?>[] {HostCalls.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "errnoName" -> errnoName((int) arguments[0]);
                  case "tryAgain" -> tryAgain;
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
    if (flags != openFlags()) {
      throw new AssertionError("opened with the flags 0x%x".formatted(flags));
    }
    opened.add(path.getString(0));
    onOpen();
    return openTap();
  }

  abstract String errnoName(int errno);

  /** {@return for reading and writing, without blocking} */
  abstract int openFlags();

  void onOpen() {}

  boolean isTap(int number) {
    return taps.contains(number);
  }

  long close(int number) {
    if (!descriptors.remove(number)) {
      throw new AssertionError("closed what is not open: " + number);
    }
    return 0;
  }

  abstract long ioctl(int number, int request, MemorySegment argument);

  /** Answers with the flags of the interface that is asked for. */
  long flags(MemorySegment argument, int absent) {
    if (!present || !argument.getString(0).equals("tap0")) {
      return -absent;
    }
    argument.set(ValueLayout.JAVA_SHORT, UNION, (short) (up ? LinuxAbi.IFF_UP : 0));
    return 0;
  }

  /** {@return what a write answers while the interface is down} */
  abstract long writeWhileDown();

  private long write(MemorySegment segment, long offset, long byteSize) {
    if (writeFailure != 0) {
      return -writeFailure;
    }
    if (!up) {
      return writeWhileDown();
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
      return -tryAgain;
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
