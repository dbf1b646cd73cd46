// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import dev.tealight.HostCallException;
import dev.tealight.ReadinessSource;
import dev.tealight.device.FrameLink;
import dev.tealight.device.net.NetConfig;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.LinuxAbi;
import dev.tealight.ffi.posix.LinuxErrno;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Frames over a stream socket, each with its length in front. What arrives is read ahead, since a
 * part of a frame makes the socket readable but the link not ready.
 */
public final class StreamLink implements FrameLink {
  private static final ValueLayout.OfInt LENGTH =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  private static final long PATH = Short.BYTES;
  private static final int MAX_PATH_BYTE_SIZE = 107;
  private static final int RECORD_BYTE_SIZE = Integer.BYTES + MAX_FRAME_BYTE_SIZE;

  /** How long a frame of which the peer took a part keeps the guest waiting, in milliseconds. */
  private static final int PATIENCE = 20;

  private final HostCalls host;
  private final Descriptor socket;
  private final String what;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment input = arena.allocate(2L * RECORD_BYTE_SIZE);
  private final MemorySegment output = arena.allocate(RECORD_BYTE_SIZE);
  private final MemorySegment writable = arena.allocate(LinuxAbi.POLLFD);
  private final MemorySegment millisecond = arena.allocate(LinuxAbi.TIMESPEC);
  private final Readiness readiness = new Readiness();
  private final Runnable engineEnd;

  // Received bytes that were not taken yet, and bytes of a frame that were not sent yet.
  private long inputStart;
  private long inputEnd;
  private long outputStart;
  private long outputEnd;
  private @Nullable String broken;

  private StreamLink(HostCalls host, Descriptor socket, String what, Runnable engineEnd) {
    this.host = host;
    this.socket = socket;
    this.what = what;
    this.engineEnd = engineEnd;
    writable.set(ValueLayout.JAVA_INT, 0, socket.number());
    writable.set(ValueLayout.JAVA_SHORT, 4, (short) LinuxAbi.POLLOUT);
    millisecond.set(ValueLayout.JAVA_LONG, 8, 1_000_000);
  }

  /**
   * Connects to a program.
   *
   * @param path of its socket
   * @return a link that the caller closes
   * @throws IOException if nobody listens there
   */
  public static StreamLink connect(Path path) throws IOException {
    return connect(path, () -> {});
  }

  /**
   * Connects to a program that was started for this link.
   *
   * @param path of its socket
   * @param engineEnd called when the link is closed
   * @return a link that the caller closes
   * @throws IOException if nobody listens there
   */
  static StreamLink connect(Path path, Runnable engineEnd) throws IOException {
    String what = "socket " + path;
    HostCalls host = Host.calls(what);
    byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
    if (name.length > MAX_PATH_BYTE_SIZE) {
      throw new IOException(
          "%s: a path of %d bytes is too long for a socket, give at most %d"
              .formatted(what, name.length, MAX_PATH_BYTE_SIZE));
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment address = arena.allocate(LinuxAbi.SOCKADDR_UN);
      address.set(ValueLayout.JAVA_SHORT, 0, (short) LinuxAbi.AF_UNIX);
      MemorySegment.copy(name, 0, address, ValueLayout.JAVA_BYTE, PATH, name.length);
      long number = host.socket(LinuxAbi.AF_UNIX, LinuxAbi.SOCK_STREAM);
      Descriptor socket =
          new Descriptor(host, (int) Descriptor.check(host, number, "socket", "AF_UNIX"), what);
      long result = host.connect(socket.number(), address);
      if (result < 0) {
        socket.close();
        throw new IOException(
            "%s: connect failed: %s (%d): is the program started that listens there?"
                .formatted(what, host.errnoName((int) -result), -result));
      }
      return new StreamLink(host, socket, what, engineEnd);
    } catch (HostCallException e) {
      throw Host.failure(e);
    }
  }

  @Override
  public int mtu() {
    return NetConfig.DEFAULT_MTU;
  }

  /** A frame goes as a whole or not at all: after a part of one, its rest goes first. */
  @Override
  public void send(MemorySegment memory, long offset, int byteSize) throws IOException {
    checkWorks();
    flush();
    if (outputStart < outputEnd) {
      return; // no room: the frame is lost
    }
    output.set(LENGTH, 0, byteSize);
    MemorySegment.copy(memory, offset, output, Integer.BYTES, byteSize);
    outputStart = 0;
    outputEnd = (long) Integer.BYTES + byteSize;
    flush();
    if (outputStart == 0) {
      outputEnd = 0; // not even a part was taken
    }
    for (int i = 0; outputStart < outputEnd && i < PATIENCE; i++) {
      long _ = host.ppoll(writable, 1, millisecond);
      flush();
    }
    checkWorks();
  }

  private void flush() {
    while (outputStart < outputEnd && broken == null) {
      long result = host.write(socket.number(), output, outputStart, outputEnd - outputStart);
      if (result == -LinuxErrno.EAGAIN) {
        return;
      }
      if (result < 0) {
        broken = "write failed: " + host.errnoName((int) -result);
      } else {
        outputStart += result;
      }
    }
  }

  @Override
  public int receive(MemorySegment memory, long offset, int byteSize) throws IOException {
    if (!readiness.isReady()) {
      checkWorks();
      return 0;
    }
    int length = input.get(LENGTH, inputStart);
    int wanted = Math.min(length, byteSize);
    MemorySegment.copy(input, inputStart + Integer.BYTES, memory, offset, wanted);
    inputStart += (long) Integer.BYTES + length;
    return wanted;
  }

  private void checkWorks() throws IOException {
    if (broken != null) {
      throw new IOException("%s: %s".formatted(what, broken));
    }
  }

  /** {@return whether a whole frame is in the buffer} */
  private boolean hasFrame() {
    while (inputEnd - inputStart >= Integer.BYTES) {
      int length = input.get(LENGTH, inputStart);
      if (length < 0 || length > MAX_FRAME_BYTE_SIZE) {
        broken = "a length of 0x%x is in front of a frame".formatted(length);
        inputStart = inputEnd;
        return false;
      }
      if (inputEnd - inputStart - Integer.BYTES < length) {
        return false;
      }
      if (length >= MIN_FRAME_BYTE_SIZE) {
        return true;
      }
      inputStart += (long) Integer.BYTES + length; // too short to be a frame
    }
    return false;
  }

  private void readAhead() {
    if (inputStart == inputEnd) {
      inputStart = 0;
      inputEnd = 0;
    } else if (input.byteSize() - inputStart < RECORD_BYTE_SIZE) {
      MemorySegment.copy(input, inputStart, input, 0, inputEnd - inputStart);
      inputEnd -= inputStart;
      inputStart = 0;
    }
    long result = host.read(socket.number(), input, inputEnd, input.byteSize() - inputEnd);
    if (result > 0) {
      inputEnd += result;
    } else if (result != -LinuxErrno.EAGAIN) {
      broken =
          result == 0
              ? "the program at the other end has gone"
              : "read failed: " + host.errnoName((int) -result);
    }
  }

  private final class Readiness implements ReadinessSource {
    @Override
    public boolean isReady() {
      flush();
      if (hasFrame()) {
        return true;
      }
      if (broken != null) {
        // What still comes is of no use, but would end each wait at once.
        long _ = host.read(socket.number(), input);
        return false;
      }
      readAhead();
      return hasFrame();
    }

    @Override
    public int descriptor() {
      return socket.number();
    }
  }

  @Override
  public ReadinessSource readiness() {
    return readiness;
  }

  @Override
  public void close() throws IOException {
    if (!socket.isOpen()) {
      return;
    }
    try {
      socket.close();
    } finally {
      arena.close();
      engineEnd.run();
    }
  }
}
