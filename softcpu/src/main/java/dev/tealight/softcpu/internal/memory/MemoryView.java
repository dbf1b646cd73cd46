// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.memory;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Guest memory as translated code of one privilege level sees it.
 *
 * <p>A record, and a constant of that code: so the JIT knows the memory's bounds and the
 * translation cache, and what remains of an access is the comparison of its page and the access.
 * What needs more goes to {@link LinearMemory}. Loads return sign-extended values; stores take the
 * low bytes.
 *
 * @param memory where everything goes that is not found in the translation cache
 * @param ram the RAM
 * @param slots the translation cache of the privilege level
 */
@SuppressWarnings(
    "ArrayRecordComponent") // compared by nobody, and a record so that the JIT trusts its fields
public record MemoryView(LinearMemory memory, MemorySegment ram, long[] slots) {
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

  public long load8(long address) {
    int slot = Tlb.slot(address);
    if (slots[slot + Tlb.READ_TAG] == (address + 7 & Tlb.PAGE_MASK)) {
      return ram.get(LONG, address + slots[slot + Tlb.ADDEND]);
    }
    return memory.load(address, 8);
  }

  public long load4(long address) {
    int slot = Tlb.slot(address);
    if (slots[slot + Tlb.READ_TAG] == (address + 3 & Tlb.PAGE_MASK)) {
      return ram.get(INT, address + slots[slot + Tlb.ADDEND]);
    }
    return memory.load(address, 4);
  }

  public long load2(long address) {
    int slot = Tlb.slot(address);
    if (slots[slot + Tlb.READ_TAG] == (address + 1 & Tlb.PAGE_MASK)) {
      return ram.get(SHORT, address + slots[slot + Tlb.ADDEND]);
    }
    return memory.load(address, 2);
  }

  public long load1(long address) {
    int slot = Tlb.slot(address);
    if (slots[slot + Tlb.READ_TAG] == (address & Tlb.PAGE_MASK)) {
      return ram.get(BYTE, address + slots[slot + Tlb.ADDEND]);
    }
    return memory.load(address, 1);
  }

  public void store8(long address, long value) {
    int slot = Tlb.slot(address);
    if (slots[slot + Tlb.WRITE_TAG] == (address + 7 & Tlb.PAGE_MASK)) {
      ram.set(LONG, address + slots[slot + Tlb.ADDEND], value);
    } else {
      memory.storeUnlessCode(address, 8, value);
    }
  }

  public void store4(long address, long value) {
    int slot = Tlb.slot(address);
    if (slots[slot + Tlb.WRITE_TAG] == (address + 3 & Tlb.PAGE_MASK)) {
      ram.set(INT, address + slots[slot + Tlb.ADDEND], (int) value);
    } else {
      memory.storeUnlessCode(address, 4, value);
    }
  }

  public void store2(long address, long value) {
    int slot = Tlb.slot(address);
    if (slots[slot + Tlb.WRITE_TAG] == (address + 1 & Tlb.PAGE_MASK)) {
      ram.set(SHORT, address + slots[slot + Tlb.ADDEND], (short) value);
    } else {
      memory.storeUnlessCode(address, 2, value);
    }
  }

  public void store1(long address, long value) {
    int slot = Tlb.slot(address);
    if (slots[slot + Tlb.WRITE_TAG] == (address & Tlb.PAGE_MASK)) {
      ram.set(BYTE, address + slots[slot + Tlb.ADDEND], (byte) value);
    } else {
      memory.storeUnlessCode(address, 1, value);
    }
  }

  /** Stores 16 bytes, or none if that faults. */
  public void store16(long address, long low, long high) {
    if ((address & 4095) > 4096 - 16) {
      memory.requireWritable(address, 16);
    }
    store8(address, low);
    store8(address + 8, high);
  }

  // Loads before a store to the same place: a fault is reported as that of a write

  public long update8(long address) {
    checkWritable(address, 8);
    return load8(address);
  }

  public long update4(long address) {
    checkWritable(address, 4);
    return load4(address);
  }

  public long update2(long address) {
    checkWritable(address, 2);
    return load2(address);
  }

  public long update1(long address) {
    checkWritable(address, 1);
    return load1(address);
  }

  private void checkWritable(long address, int byteSize) {
    long last = address + byteSize - 1;
    if (slots[Tlb.slot(address) + Tlb.WRITE_TAG] != (last & Tlb.PAGE_MASK)) {
      memory.requireWritable(address, byteSize);
    }
  }
}
