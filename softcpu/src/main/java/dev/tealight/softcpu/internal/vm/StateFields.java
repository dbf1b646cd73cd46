// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.vm;

import dev.tealight.ConfigurationException;
import java.nio.ByteBuffer;

/**
 * The fields of a saved state, one after the other: each call writes its argument when a state is
 * saved, and returns what was written when one is restored. So both have one list of fields.
 */
final class StateFields {
  private final ByteBuffer bytes;
  private final boolean saving;

  private StateFields(ByteBuffer bytes, boolean saving) {
    this.bytes = bytes;
    this.saving = saving;
  }

  /** Returns fields that write, at most {@code byteSize} bytes. */
  static StateFields saving(int byteSize) {
    return new StateFields(ByteBuffer.allocate(byteSize), true);
  }

  static StateFields restoring(byte[] state) {
    return new StateFields(ByteBuffer.wrap(state), false);
  }

  boolean isSaving() {
    return saving;
  }

  long field(long value) {
    if (saving) {
      bytes.putLong(value);
      return value;
    }
    return bytes.getLong();
  }

  int field(int value) {
    return (int) field((long) value);
  }

  void fields(long[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] = field(values[i]);
    }
  }

  /** A field that must have this value. */
  void constant(long value, String what) {
    long found = field(value);
    if (found != value) {
      throw new ConfigurationException(
          "state of a vCPU has %s 0x%x instead of 0x%x".formatted(what, found, value));
    }
  }

  /** Returns what was written. */
  byte[] saved() {
    byte[] result = new byte[bytes.position()];
    bytes.get(0, result);
    return result;
  }

  void requireByteSize(int expected) {
    if (bytes.capacity() != expected) {
      throw new ConfigurationException(
          "state of a vCPU has %d bytes instead of %d".formatted(bytes.capacity(), expected));
    }
  }
}
