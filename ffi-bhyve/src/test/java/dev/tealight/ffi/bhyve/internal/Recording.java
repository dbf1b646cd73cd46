// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Reads the file format of docs/bhyve-recordings.md, and changes it in place. */
final class Recording {
  private static final int CALL_BYTE_SIZE = 72;
  private static final int BUFFER_BYTE_SIZE = 16;

  private final ByteBuffer bytes;
  private final List<Entry> entries = new ArrayList<>();

  /** One record, by where it is. */
  sealed interface Entry {
    int at();
  }

  record Start(int at) implements Entry {}

  record End(int at, long calls) implements Entry {}

  record Mark(int at, int flags, String text) implements Entry {}

  record Wrote(int at, boolean byMonitor, long address, int byteSize) implements Entry {}

  record Call(int at, int number, long result, List<Long> arguments, List<Buffer> buffers)
      implements Entry {
    int request() {
      return number == FreeBsdCall.IOCTL ? (int) (long) arguments.get(1) : 0;
    }

    boolean isRun() {
      return request() == VmmIoctl.RUN_13.code() || request() == VmmIoctl.RUN_14.code();
    }
  }

  /** Places of -1 are not recorded. */
  record Buffer(int parent, int place, int byteSize, int before, int after) {}

  Recording(byte[] content) {
    bytes = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
    int at = 0;
    while (at < content.length) {
      entries.add(read(at));
      at += bytes.getInt(at);
    }
  }

  private Entry read(int at) {
    return switch (bytes.getInt(at + 4)) {
      case RecordingWriter.START -> {
        if (bytes.getLong(at + 8) != RecordingWriter.MAGIC) {
          throw new IllegalArgumentException("no recording");
        }
        yield new Start(at);
      }
      case RecordingWriter.MARK -> {
        byte[] text = copy(at + 16, bytes.getInt(at + 12));
        yield new Mark(at, bytes.getInt(at + 8), new String(text, StandardCharsets.UTF_8));
      }
      case RecordingWriter.CALL -> call(at);
      case RecordingWriter.MONITOR_WROTE -> wrote(at, true);
      case RecordingWriter.GUEST_WROTE -> wrote(at, false);
      case RecordingWriter.END -> new End(at, bytes.getLong(at + 8));
      default -> throw new IllegalArgumentException("a record of kind " + bytes.getInt(at + 4));
    };
  }

  private Wrote wrote(int at, boolean byMonitor) {
    return new Wrote(at, byMonitor, bytes.getLong(at + 8), (int) bytes.getLong(at + 16));
  }

  private Call call(int at) {
    List<Long> arguments = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      arguments.add(bytes.getLong(at + 24 + 8 * i));
    }
    List<Buffer> buffers = new ArrayList<>();
    int next = at + CALL_BYTE_SIZE;
    for (int i = 0; i < bytes.getInt(at + 12); i++) {
      int byteSize = bytes.getInt(next + 8);
      int direction = bytes.getInt(next + 12);
      int padded = (byteSize + 7) / 8 * 8;
      int content = next + BUFFER_BYTE_SIZE;
      int before = (direction & RecordingWriter.IN) != 0 ? content : -1;
      content += before < 0 ? 0 : padded;
      int after = (direction & RecordingWriter.OUT) != 0 ? content : -1;
      content += after < 0 ? 0 : padded;
      int parent = bytes.getInt(next);
      buffers.add(new Buffer(parent, bytes.getInt(next + 4), byteSize, before, after));
      next = content;
    }
    return new Call(at, bytes.getInt(at + 8), bytes.getLong(at + 16), arguments, buffers);
  }

  List<Entry> entries() {
    return entries;
  }

  List<Call> calls() {
    return entries.stream().filter(Call.class::isInstance).map(Call.class::cast).toList();
  }

  byte[] copy(int at, int byteSize) {
    byte[] copy = new byte[byteSize];
    bytes.get(at, copy);
    return copy;
  }

  int intAt(int at) {
    return bytes.getInt(at);
  }

  long longAt(int at) {
    return bytes.getLong(at);
  }

  /** {@return the whole of it with one byte changed} */
  byte[] flipped(int at) {
    byte[] changed = bytes.array().clone();
    changed[at] ^= 1;
    return changed;
  }

  byte[] whole() {
    return bytes.array().clone();
  }
}
