// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import dev.tealight.testkit.AbiFacts;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;

/** What the headers of one version of FreeBSD say, for reading and writing raw structures. */
record VmmFacts(int version, AbiFacts facts) {
  static VmmFacts of(int version) {
    String file = "vmm-facts-%d.json".formatted(version);
    try {
      return new VmmFacts(version, AbiFacts.read(VmmFacts.class.getResourceAsStream(file)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  boolean has(String name) {
    return facts.values().containsKey(name);
  }

  long value(String name) {
    return facts.value(name);
  }

  int number(String name) {
    return (int) facts.value(name);
  }

  int getInt(MemorySegment struct, String field) {
    return struct.get(JAVA_INT_UNALIGNED, facts.value(field));
  }

  long getLong(MemorySegment struct, String field) {
    return struct.get(JAVA_LONG_UNALIGNED, facts.value(field));
  }

  void putInt(MemorySegment struct, String field, int value) {
    struct.set(JAVA_INT_UNALIGNED, facts.value(field), value);
  }

  void putLong(MemorySegment struct, String field, long value) {
    struct.set(JAVA_LONG_UNALIGNED, facts.value(field), value);
  }
}
