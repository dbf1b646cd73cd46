// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static java.lang.foreign.MemoryLayout.sequenceLayout;
import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.tealight.ffi.kvm.KvmOptions.CpuidEntry;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;
import java.util.ArrayList;
import java.util.List;

/** struct kvm_cpuid2: a header and a flexible array of answers. */
final class KvmCpuid {
  static final StructLayout HEADER =
      structLayout(JAVA_INT.withName("nent"), JAVA_INT.withName("padding")).withName("kvm_cpuid2");

  static final StructLayout ENTRY =
      structLayout(
              JAVA_INT.withName("function"),
              JAVA_INT.withName("index"),
              JAVA_INT.withName("flags"),
              JAVA_INT.withName("eax"),
              JAVA_INT.withName("ebx"),
              JAVA_INT.withName("ecx"),
              JAVA_INT.withName("edx"),
              sequenceLayout(3, JAVA_INT).withName("padding"))
          .withName("kvm_cpuid_entry2");

  static final int SIGNIFICANT_INDEX = 1;

  private KvmCpuid() {}

  /** {@return a table with room for a number of entries, filled by the kernel} */
  static MemorySegment room(int entries, SegmentAllocator allocator) {
    MemorySegment table =
        allocator.allocate(HEADER.byteSize() + entries * ENTRY.byteSize(), HEADER.byteAlignment());
    table.set(JAVA_INT, 0, entries);
    return table;
  }

  static MemorySegment toNative(List<CpuidEntry> entries, SegmentAllocator allocator) {
    MemorySegment table = room(entries.size(), allocator);
    long at = HEADER.byteSize();
    for (CpuidEntry entry : entries) {
      MemorySegment target = table.asSlice(at, ENTRY);
      target.setAtIndex(JAVA_INT, 0, entry.function());
      target.setAtIndex(JAVA_INT, 1, entry.index());
      target.setAtIndex(JAVA_INT, 2, entry.indexMatters() ? SIGNIFICANT_INDEX : 0);
      target.setAtIndex(JAVA_INT, 3, entry.eax());
      target.setAtIndex(JAVA_INT, 4, entry.ebx());
      target.setAtIndex(JAVA_INT, 5, entry.ecx());
      target.setAtIndex(JAVA_INT, 6, entry.edx());
      at += ENTRY.byteSize();
    }
    return table;
  }

  static List<CpuidEntry> fromNative(MemorySegment table) {
    int count = table.get(JAVA_INT, 0);
    List<CpuidEntry> entries = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      MemorySegment source = table.asSlice(HEADER.byteSize() + i * ENTRY.byteSize(), ENTRY);
      entries.add(
          new CpuidEntry(
              source.getAtIndex(JAVA_INT, 0),
              source.getAtIndex(JAVA_INT, 1),
              (source.getAtIndex(JAVA_INT, 2) & SIGNIFICANT_INDEX) != 0,
              source.getAtIndex(JAVA_INT, 3),
              source.getAtIndex(JAVA_INT, 4),
              source.getAtIndex(JAVA_INT, 5),
              source.getAtIndex(JAVA_INT, 6)));
    }
    return entries;
  }
}
