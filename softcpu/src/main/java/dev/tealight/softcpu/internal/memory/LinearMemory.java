// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.memory;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.tealight.softcpu.internal.fault.GuestFault;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Guest memory by linear address: translation, protection, and the way out for everything that is
 * not RAM.
 *
 * <p>Each access first looks into a translation cache of its privilege level. What it holds may be
 * accessed without any further check; pages that need a look on each access (outside RAM, watched,
 * or holding decoded instructions and being written) are never put in.
 */
public final class LinearMemory {
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

  private static final long PAGE_MASK = Tlb.PAGE_MASK;

  private final PhysicalSpace space;
  private final MemorySegment ram;
  private final long ramSize;
  private final GuestFault fault;
  private final PageWalker walker;
  private final CodePages codePages;
  private final Tlb userTlb = new Tlb();
  private final Tlb supervisorTlb = new Tlb();
  private final Tlb fetchTlb = new Tlb();

  /** The slots of the TLB of the current privilege level. */
  private long[] slots = supervisorTlb.slots;

  private boolean user;
  private long epoch = 2;

  /** The caches may hold pieces of pages larger than 4 KiB. */
  private boolean holdsLargePages;

  public final Paging paging = new Paging();
  public final Watchpoints watchpoints = new Watchpoints();

  public LinearMemory(PhysicalSpace space, GuestFault fault, CodePages codePages) {
    this.space = space;
    this.ram = space.ram();
    this.ramSize = ram.byteSize();
    this.fault = fault;
    this.codePages = codePages;
    this.walker = new PageWalker(space, paging, fault);
  }

  // Loads return sign-extended values: that is the form in which the flags want them.

  public long load(long address, int byteSize) {
    return switch (byteSize) {
      case 8 -> loadLong(address);
      case 4 -> loadInt(address);
      case 2 -> loadShort(address);
      default -> loadByte(address);
    };
  }

  public void store(long address, int byteSize, long value) {
    switch (byteSize) {
      case 8 -> storeLong(address, value);
      case 4 -> storeInt(address, (int) value);
      case 2 -> storeShort(address, (short) value);
      default -> storeByte(address, (byte) value);
    }
  }

  public long loadLong(long address) {
    long[] entries = slots;
    int slot = Tlb.slot(address);
    if (entries[slot + Tlb.READ_TAG] == (address + 7 & PAGE_MASK)) {
      return ram.get(LONG, address + entries[slot + Tlb.ADDEND]);
    }
    return loadSlow(address, 8);
  }

  public int loadInt(long address) {
    long[] entries = slots;
    int slot = Tlb.slot(address);
    if (entries[slot + Tlb.READ_TAG] == (address + 3 & PAGE_MASK)) {
      return ram.get(INT, address + entries[slot + Tlb.ADDEND]);
    }
    return (int) loadSlow(address, 4);
  }

  public short loadShort(long address) {
    long[] entries = slots;
    int slot = Tlb.slot(address);
    if (entries[slot + Tlb.READ_TAG] == (address + 1 & PAGE_MASK)) {
      return ram.get(SHORT, address + entries[slot + Tlb.ADDEND]);
    }
    return (short) loadSlow(address, 2);
  }

  public byte loadByte(long address) {
    long[] entries = slots;
    int slot = Tlb.slot(address);
    if (entries[slot + Tlb.READ_TAG] == (address & PAGE_MASK)) {
      return ram.get(BYTE, address + entries[slot + Tlb.ADDEND]);
    }
    return (byte) loadSlow(address, 1);
  }

  public void storeLong(long address, long value) {
    long[] entries = slots;
    int slot = Tlb.slot(address);
    if (entries[slot + Tlb.WRITE_TAG] == (address + 7 & PAGE_MASK)) {
      ram.set(LONG, address + entries[slot + Tlb.ADDEND], value);
    } else {
      storeSlow(address, 8, value);
    }
  }

  public void storeInt(long address, int value) {
    long[] entries = slots;
    int slot = Tlb.slot(address);
    if (entries[slot + Tlb.WRITE_TAG] == (address + 3 & PAGE_MASK)) {
      ram.set(INT, address + entries[slot + Tlb.ADDEND], value);
    } else {
      storeSlow(address, 4, value);
    }
  }

  public void storeShort(long address, short value) {
    long[] entries = slots;
    int slot = Tlb.slot(address);
    if (entries[slot + Tlb.WRITE_TAG] == (address + 1 & PAGE_MASK)) {
      ram.set(SHORT, address + entries[slot + Tlb.ADDEND], value);
    } else {
      storeSlow(address, 2, value);
    }
  }

  public void storeByte(long address, byte value) {
    long[] entries = slots;
    int slot = Tlb.slot(address);
    if (entries[slot + Tlb.WRITE_TAG] == (address & PAGE_MASK)) {
      ram.set(BYTE, address + entries[slot + Tlb.ADDEND], value);
    } else {
      storeSlow(address, 1, value);
    }
  }

  /** Throws the fault that writing {@code [address, address + byteSize)} would cause, if any. */
  public void requireWritable(long address, int byteSize) {
    long last = address + byteSize - 1;
    int slot = Tlb.slot(address);
    if (slots[slot + Tlb.WRITE_TAG] != (last & PAGE_MASK)) {
      long gpa = translate(address, Access.WRITE);
      checkRegion(gpa, address, Access.WRITE);
      if ((last & PAGE_MASK) != (address & PAGE_MASK)) {
        long lastPage = last & PAGE_MASK;
        checkRegion(translate(lastPage, Access.WRITE), lastPage, Access.WRITE);
      }
    }
  }

  /** Throws the fault that reading {@code [address, address + byteSize)} would cause, if any. */
  public void requireReadable(long address, int byteSize) {
    long last = address + byteSize - 1;
    translate(address, Access.READ);
    if ((last & PAGE_MASK) != (address & PAGE_MASK)) {
      translate(last & PAGE_MASK, Access.READ);
    }
  }

  /**
   * Returns the RAM offset of {@code address} if the whole rest of its page may be accessed without
   * further checks, else -1. For bulk moves.
   */
  public long directOffset(long address, boolean write) {
    int slot = Tlb.slot(address);
    long tag = slots[slot + (write ? Tlb.WRITE_TAG : Tlb.READ_TAG)];
    return tag == (address & PAGE_MASK) ? address + slots[slot + Tlb.ADDEND] : -1;
  }

  public MemorySegment ram() {
    return ram;
  }

  /** Returns the translation cache of the current privilege level, for {@link CachedAccess}. */
  public long[] slots() {
    return slots;
  }

  /** Returns whether the current privilege is that of users. */
  public boolean isUser() {
    return user;
  }

  // Descriptor tables and task state are accessed with supervisor rights whatever the current
  // level, and in long mode at 64-bit addresses whatever the current code.

  public long loadSystem(long address, int byteSize) {
    boolean wasUser = user;
    boolean wasWide = paging.wideAddresses;
    selectSystem(false);
    try {
      return load(address, byteSize);
    } finally {
      selectPrivilege(wasUser);
      paging.wideAddresses = wasWide;
    }
  }

  public void storeSystem(long address, int byteSize, long value) {
    boolean wasUser = user;
    boolean wasWide = paging.wideAddresses;
    selectSystem(false);
    try {
      store(address, byteSize, value);
    } finally {
      selectPrivilege(wasUser);
      paging.wideAddresses = wasWide;
    }
  }

  /**
   * Selects the rights of a level, and addresses of 64 bits where there are any. What the current
   * code may do is to be selected again afterwards.
   */
  public void selectSystem(boolean userLevel) {
    selectPrivilege(userLevel);
    paging.wideAddresses = true; // looked at in long mode only
  }

  /** Translates the address of an instruction byte; throws the fault if it may not be executed. */
  public long fetchAddress(long address) {
    int slot = Tlb.slot(address);
    // Instruction fetches of both levels share a cache: the read tag serves supervisor code, the
    // write tag user code.
    int tag = user ? Tlb.WRITE_TAG : Tlb.READ_TAG;
    if (fetchTlb.slots[slot + tag] == (address & PAGE_MASK)) {
      return address + fetchTlb.slots[slot + Tlb.ADDEND];
    }
    long gpa = translate(address, Access.EXECUTE);
    if (gpa < 0 || gpa >= ramSize) {
      throw space.violation(gpa, address, Access.EXECUTE);
    }
    checkRegion(gpa, address, Access.EXECUTE);
    fetchTlb.fill(address, gpa, !user, user);
    holdsLargePages |= walker.isLarge();
    return gpa;
  }

  /** As above, but returns -1 unless the translation is cached: changes nothing. */
  public long cachedFetchAddress(long address) {
    int slot = Tlb.slot(address);
    int tag = user ? Tlb.WRITE_TAG : Tlb.READ_TAG;
    boolean cached = fetchTlb.slots[slot + tag] == (address & PAGE_MASK);
    return cached ? address + fetchTlb.slots[slot + Tlb.ADDEND] : -1;
  }

  public byte ramByte(long gpa) {
    return ram.get(BYTE, gpa);
  }

  // Translation

  public void selectPrivilege(boolean userLevel) {
    user = userLevel;
    slots = userLevel ? userTlb.slots : supervisorTlb.slots;
  }

  /** Forgets all translations, after a change of the page tables' root or of the paging mode. */
  public void flush() {
    userTlb.flush();
    supervisorTlb.flush();
    fetchTlb.flush();
    holdsLargePages = false;
    epoch += 2;
  }

  /** Forgets the translation of the page that {@code address} is in, of whatever size it is. */
  public void flushPage(long address) {
    if (holdsLargePages) {
      flush(); // their pieces are spread over the caches
      return;
    }
    userTlb.flushPage(address);
    supervisorTlb.flushPage(address);
    fetchTlb.flushPage(address);
    epoch += 2;
  }

  /** Code decoded under another epoch must be checked against the page tables before it runs. */
  public long epoch() {
    return user ? epoch + 1 : epoch;
  }

  /** Decoded instructions were dropped: no direct jump to one may be followed any more. */
  public void codeDropped() {
    epoch += 2;
  }

  /** From now on writes to the physical page of {@code gpa} are reported to the code pages. */
  public void codeAdded(long gpa) {
    userTlb.forgetWritesTo(gpa);
    supervisorTlb.forgetWritesTo(gpa);
  }

  /** Translates for a debugger or a state dump: returns -1 instead of faulting, touches nothing. */
  public long peekTranslation(long address) {
    try {
      return translate(address, Access.READ);
    } catch (GuestFault notMapped) {
      return -1;
    }
  }

  private long translate(long address, int access) {
    if (paging.mode == Paging.Mode.LONG) {
      if (paging.wideAddresses) {
        if (address << 16 >> 16 != address) {
          throw fault.nonCanonical();
        }
        return walker.walk(address, access, user);
      }
      return walker.walk(address & 0xFFFF_FFFFL, access, user);
    }
    return walker.walk(address, access, user);
  }

  private void checkRegion(long gpa, long address, int access) {
    if (gpa >= 0 && gpa < ramSize && (space.permissions(gpa) & access) == 0) {
      throw space.violation(gpa, address, access);
    }
  }

  private long loadSlow(long address, int byteSize) {
    long last = address + byteSize - 1;
    if ((address & PAGE_MASK) != (last & PAGE_MASK)) {
      return loadAcrossPages(address, byteSize);
    }
    long gpa = translate(address, Access.READ);
    boolean watched = !watchpoints.isEmpty() && watchpoints.coversPageOf(address);
    if (watched) {
      watchpoints.accessed(address, byteSize, Access.READ);
    }
    if (gpa < 0 || gpa > ramSize - byteSize) {
      return extend(space.readOutside(gpa, byteSize), byteSize);
    }
    checkRegion(gpa, address, Access.READ);
    if (!watched) {
      cache(address, gpa);
    }
    return switch (byteSize) {
      case 8 -> ram.get(LONG, gpa);
      case 4 -> ram.get(INT, gpa);
      case 2 -> ram.get(SHORT, gpa);
      default -> ram.get(BYTE, gpa);
    };
  }

  private void cache(long address, long gpa) {
    int allowed = space.permissions(gpa);
    boolean writable =
        walker.writableNow() && (allowed & Access.WRITE) != 0 && !codePages.holdsCode(gpa);
    Tlb tlb = user ? userTlb : supervisorTlb;
    tlb.fill(address, gpa, (allowed & Access.READ) != 0, writable);
    holdsLargePages |= walker.isLarge();
  }

  private long loadAcrossPages(long address, int byteSize) {
    requireReadable(address, byteSize);
    long value = 0;
    for (int i = 0; i < byteSize; i++) {
      value |= (loadByte(address + i) & 0xFFL) << (8 * i);
    }
    return extend(value, byteSize);
  }

  private static long extend(long value, int byteSize) {
    int shift = 64 - 8 * byteSize;
    return value << shift >> shift;
  }

  private void storeSlow(long address, int byteSize, long value) {
    long last = address + byteSize - 1;
    if ((address & PAGE_MASK) != (last & PAGE_MASK)) {
      requireWritable(address, byteSize);
      for (int i = 0; i < byteSize; i++) {
        storeByte(address + i, (byte) (value >>> (8 * i)));
      }
      return;
    }
    long gpa = translate(address, Access.WRITE);
    boolean watched = !watchpoints.isEmpty() && watchpoints.coversPageOf(address);
    if (watched) {
      watchpoints.accessed(address, byteSize, Access.WRITE);
    }
    if (gpa < 0 || gpa > ramSize - byteSize) {
      space.writeOutside(gpa, byteSize, value);
      return;
    }
    checkRegion(gpa, address, Access.WRITE);
    if (codePages.holdsCode(gpa)) {
      codePages.written(gpa, byteSize);
    } else if (!watched) {
      cache(address, gpa);
    }
    switch (byteSize) {
      case 8 -> ram.set(LONG, gpa, value);
      case 4 -> ram.set(INT, gpa, (int) value);
      case 2 -> ram.set(SHORT, gpa, (short) value);
      default -> ram.set(BYTE, gpa, (byte) value);
    }
  }
}
