// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.memory;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Accesses of guest memory as translated code makes them: those that the translation cache allows
 * without any further look.
 *
 * <p>All others throw {@link NotCached} before anything has changed, so that the interpreter makes
 * them. No method calls another that the JIT might not make part of it: a call that comes back
 * would cost the JIT more than the access, and afterwards it would know less of what is in
 * registers. Addresses are linear. Loads return sign-extended values; stores take the low bytes.
 */
public final class CachedAccess {
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

  private CachedAccess() {}

  public static long load8(long address, MemorySegment ram, long[] slots) {
    int slot = Tlb.slot(address);
    if (slots[slot + Tlb.READ_TAG] != (address + 7 & Tlb.PAGE_MASK)) {
      throw NotCached.SIGNAL;
    }
    return ram.get(LONG, address + slots[slot + Tlb.ADDEND]);
  }

  public static long load4(long address, MemorySegment ram, long[] slots) {
    int slot = Tlb.slot(address);
    if (slots[slot + Tlb.READ_TAG] != (address + 3 & Tlb.PAGE_MASK)) {
      throw NotCached.SIGNAL;
    }
    return ram.get(INT, address + slots[slot + Tlb.ADDEND]);
  }

  public static long load2(long address, MemorySegment ram, long[] slots) {
    int slot = Tlb.slot(address);
    if (slots[slot + Tlb.READ_TAG] != (address + 1 & Tlb.PAGE_MASK)) {
      throw NotCached.SIGNAL;
    }
    return ram.get(SHORT, address + slots[slot + Tlb.ADDEND]);
  }

  public static long load1(long address, MemorySegment ram, long[] slots) {
    int slot = Tlb.slot(address);
    if (slots[slot + Tlb.READ_TAG] != (address & Tlb.PAGE_MASK)) {
      throw NotCached.SIGNAL;
    }
    return ram.get(BYTE, address + slots[slot + Tlb.ADDEND]);
  }

  public static void store8(long address, long value, MemorySegment ram, long[] slots) {
    int slot = Tlb.slot(address);
    if (slots[slot + Tlb.WRITE_TAG] != (address + 7 & Tlb.PAGE_MASK)) {
      throw NotCached.SIGNAL;
    }
    ram.set(LONG, address + slots[slot + Tlb.ADDEND], value);
  }

  public static void store4(long address, long value, MemorySegment ram, long[] slots) {
    int slot = Tlb.slot(address);
    if (slots[slot + Tlb.WRITE_TAG] != (address + 3 & Tlb.PAGE_MASK)) {
      throw NotCached.SIGNAL;
    }
    ram.set(INT, address + slots[slot + Tlb.ADDEND], (int) value);
  }

  public static void store2(long address, long value, MemorySegment ram, long[] slots) {
    int slot = Tlb.slot(address);
    if (slots[slot + Tlb.WRITE_TAG] != (address + 1 & Tlb.PAGE_MASK)) {
      throw NotCached.SIGNAL;
    }
    ram.set(SHORT, address + slots[slot + Tlb.ADDEND], (short) value);
  }

  public static void store1(long address, long value, MemorySegment ram, long[] slots) {
    int slot = Tlb.slot(address);
    if (slots[slot + Tlb.WRITE_TAG] != (address & Tlb.PAGE_MASK)) {
      throw NotCached.SIGNAL;
    }
    ram.set(BYTE, address + slots[slot + Tlb.ADDEND], (byte) value);
  }

  /** Stores 16 bytes, or none. */
  public static void store16(long address, long low, long high, MemorySegment ram, long[] slots) {
    int slot = Tlb.slot(address);
    if (slots[slot + Tlb.WRITE_TAG] != (address + 15 & Tlb.PAGE_MASK)) {
      throw NotCached.SIGNAL;
    }
    long offset = address + slots[slot + Tlb.ADDEND];
    ram.set(LONG, offset, low);
    ram.set(LONG, offset + 8, high);
  }

  // Loads before a store to the same place

  public static long update8(long address, MemorySegment ram, long[] slots) {
    if (slots[Tlb.slot(address) + Tlb.WRITE_TAG] != (address + 7 & Tlb.PAGE_MASK)) {
      throw NotCached.SIGNAL;
    }
    return load8(address, ram, slots);
  }

  public static long update4(long address, MemorySegment ram, long[] slots) {
    if (slots[Tlb.slot(address) + Tlb.WRITE_TAG] != (address + 3 & Tlb.PAGE_MASK)) {
      throw NotCached.SIGNAL;
    }
    return load4(address, ram, slots);
  }

  public static long update2(long address, MemorySegment ram, long[] slots) {
    if (slots[Tlb.slot(address) + Tlb.WRITE_TAG] != (address + 1 & Tlb.PAGE_MASK)) {
      throw NotCached.SIGNAL;
    }
    return load2(address, ram, slots);
  }

  public static long update1(long address, MemorySegment ram, long[] slots) {
    if (slots[Tlb.slot(address) + Tlb.WRITE_TAG] != (address & Tlb.PAGE_MASK)) {
      throw NotCached.SIGNAL;
    }
    return load1(address, ram, slots);
  }
}
