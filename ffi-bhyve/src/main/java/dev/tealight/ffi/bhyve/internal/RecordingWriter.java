// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import dev.tealight.ConfigurationException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes the file format of docs/bhyve-recordings.md: records of whole eight bytes, little-endian.
 * Not for several threads at once.
 */
final class RecordingWriter implements AutoCloseable {
  static final int START = 1;
  static final int MARK = 2;
  static final int CALL = 3;
  static final int MONITOR_WROTE = 4;
  static final int GUEST_WROTE = 5;
  static final int END = 6;

  /** The bytes {@code TLVMMREC}. */
  static final long MAGIC = 0x4345_524d_4d56_4c54L;

  static final int FORMAT = 1;

  /** Of a mark: what the guest does then depends on the time that passes. */
  static final int DEPENDS_ON_TIME = 1;

  static final int IN = 1;
  static final int OUT = 2;

  /** In the place of a buffer's number: an argument of the call points to it. */
  static final int OF_ARGUMENT = -1;

  private static final int ALIGNMENT = 8;

  /**
   * Memory that a call is given.
   *
   * @param parent number of the buffer that holds the pointer, or {@link #OF_ARGUMENT}
   * @param place of the pointer: its offset there, or the number of the argument
   * @param bytes where it is
   * @param direction {@link #IN} if the host reads it, {@link #OUT} if the host writes it, or both
   * @param before what it held before the call, empty unless {@link #IN}
   */
  @SuppressWarnings("ArrayRecordComponent") // nobody compares them
  record Buffer(int parent, int place, MemorySegment bytes, int direction, byte[] before) {
    static Buffer of(int parent, int place, MemorySegment bytes, int direction) {
      byte[] before =
          (direction & IN) == 0 ? new byte[0] : bytes.toArray(ValueLayout.JAVA_BYTE).clone();
      return new Buffer(parent, place, bytes, direction, before);
    }
  }

  private final OutputStream out;
  private final List<byte[]> heldBack = new ArrayList<>();
  private boolean holding;
  private long calls;
  private boolean closed;

  /**
   * Begins a recording.
   *
   * @param file created, or emptied
   * @throws ConfigurationException if it cannot be
   */
  RecordingWriter(Path file) {
    try {
      out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16);
    } catch (IOException e) {
      throw new ConfigurationException(
          "recording to %s is not possible: %s: name a file that can be written".formatted(file, e),
          e);
    }
    write(record(START, 2 * Long.BYTES).putLong(MAGIC).putInt(FORMAT).putInt(0));
  }

  /** What follows is another matter, which needs nothing of what came since the last mark. */
  void mark(String text, int flags) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    write(
        record(MARK, 2 * Integer.BYTES + padded(bytes.length))
            .putInt(flags)
            .putInt(bytes.length)
            .put(bytes));
  }

  /**
   * A call that has returned.
   *
   * @param number FreeBSD's, of the system call
   * @param arguments as the call was given them, up to six
   * @param buffers that it was given
   * @param result or the negated errno
   */
  void call(int number, long[] arguments, List<Buffer> buffers, long result) {
    int byteSize = 2 * Integer.BYTES + 7 * Long.BYTES;
    for (Buffer buffer : buffers) {
      byteSize += 4 * Integer.BYTES + copies(buffer) * padded((int) buffer.bytes.byteSize());
    }
    ByteBuffer record = record(CALL, byteSize);
    record.putInt(number).putInt(buffers.size()).putLong(result);
    for (int i = 0; i < 6; i++) {
      record.putLong(i < arguments.length ? arguments[i] : 0);
    }
    for (Buffer buffer : buffers) {
      int size = (int) buffer.bytes.byteSize();
      record.putInt(buffer.parent).putInt(buffer.place).putInt(size).putInt(buffer.direction);
      if ((buffer.direction & IN) != 0) {
        record.put(buffer.before).position(record.position() + padded(size) - size);
      }
      if ((buffer.direction & OUT) != 0) {
        record.put(buffer.bytes.toArray(ValueLayout.JAVA_BYTE));
        record.position(record.position() + padded(size) - size);
      }
    }
    calls++;
    write(record);
  }

  /**
   * Bytes of a mapping that were changed since the last record of this kind.
   *
   * @param kind {@link #MONITOR_WROTE} or {@link #GUEST_WROTE}
   * @param address of the first, in the recorded process
   * @param bytes what they are now, whole eights
   */
  void wrote(int kind, long address, MemorySegment bytes) {
    int byteSize = Math.toIntExact(bytes.byteSize());
    write(
        record(kind, 2 * Long.BYTES + byteSize)
            .putLong(address)
            .putLong(byteSize)
            .put(bytes.toArray(ValueLayout.JAVA_BYTE)));
  }

  private static int copies(Buffer buffer) {
    return Integer.bitCount(buffer.direction);
  }

  private static int padded(int byteSize) {
    return Math.ceilDiv(byteSize, ALIGNMENT) * ALIGNMENT;
  }

  private static ByteBuffer record(int kind, int byteSize) {
    int whole = 2 * Integer.BYTES + byteSize;
    return ByteBuffer.allocate(whole).order(ByteOrder.LITTLE_ENDIAN).putInt(whole).putInt(kind);
  }

  private void write(ByteBuffer record) {
    if (closed) {
      return; // what others still free
    }
    byte[] bytes = new byte[record.capacity()];
    record.get(0, bytes);
    if (holding) {
      heldBack.add(bytes);
    } else {
      write(bytes);
    }
  }

  private void write(byte[] record) {
    try {
      out.write(record);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Holds back what is recorded from now on. */
  void hold() {
    holding = true;
  }

  /** Holds back nothing any more, but does not write yet what was. */
  List<byte[]> release() {
    holding = false;
    List<byte[]> held = List.copyOf(heldBack);
    heldBack.clear();
    return held;
  }

  void writeAll(List<byte[]> records) {
    records.forEach(this::write);
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    write(record(END, Long.BYTES).putLong(calls));
    closed = true;
    try {
      out.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
