// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.memory;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.tealight.softcpu.internal.fault.GuestFault;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Walks the guest's page tables (Intel SDM volume 3, chapter 4).
 *
 * <p>Table entries outside RAM read as not present. Accessed and dirty bits are set as the
 * processor does: accessed on every entry used, dirty on the leaf of a write.
 */
final class PageWalker {
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);

  private static final long PRESENT = 1;
  private static final long WRITABLE = 2;
  private static final long USER = 4;
  private static final long ACCESSED = 0x20;
  private static final long DIRTY = 0x40;
  private static final long LARGE = 0x80;
  private static final long NO_EXECUTE = 1L << 63;

  /** Physical addresses have 46 bits (CPUID leaf 0x80000008 says the same). */
  static final int PHYSICAL_BITS = 46;

  private static final long FRAME = (1L << PHYSICAL_BITS) - 1 & -4096L;
  private static final long RESERVED = (1L << 52) - 1 & -(1L << PHYSICAL_BITS);

  /** Error code bits of a page fault. */
  private static final int FAULT_PRESENT = 1;

  private static final int FAULT_WRITE = 2;
  private static final int FAULT_USER = 4;
  private static final int FAULT_RESERVED = 8;
  private static final int FAULT_FETCH = 16;

  private final MemorySegment ram;
  private final PhysicalSpace space;
  private final Paging paging;
  private final GuestFault fault;

  /** Result of the last successful walk: the leaf allows writes at this privilege, and is dirty. */
  private boolean writableNow;

  /** Result of the last successful walk: the page is larger than 4 KiB. */
  private boolean large;

  PageWalker(PhysicalSpace space, Paging paging, GuestFault fault) {
    this.space = space;
    this.ram = space.ram();
    this.paging = paging;
    this.fault = fault;
  }

  boolean writableNow() {
    return writableNow;
  }

  boolean isLarge() {
    return large;
  }

  /** Returns the guest physical address of {@code address} or throws the page fault. */
  long walk(long address, int access, boolean user) {
    return switch (paging.mode) {
      case OFF -> {
        writableNow = true;
        large = false;
        yield address & 0xFFFF_FFFFL;
      }
      case LEGACY_32 -> walkLegacy(address & 0xFFFF_FFFFL, access, user);
      case PAE -> walkPae(address & 0xFFFF_FFFFL, access, user);
      case LONG -> walkLong(address, access, user);
    };
  }

  private long walkLong(long address, int access, boolean user) {
    return walk64(address, access, user, paging.root & FRAME, 3, WRITABLE | USER, 0);
  }

  private long walkPae(long address, int access, boolean user) {
    long entryAddress = (paging.root & 0xFFFF_FFE0L) + (address >>> 30 & 3) * 8;
    long entry = readEntry(entryAddress);
    if ((entry & PRESENT) == 0) {
      throw pageFault(address, access, user, 0);
    }
    return walk64(address, access, user, entry & FRAME, 1, WRITABLE | USER, 0);
  }

  private long walk64(
      long address,
      int access,
      boolean user,
      long tableAddress,
      int topLevel,
      long rights,
      long noExecute) {
    long table = tableAddress;
    long allowed = rights;
    long forbidden = noExecute;
    for (int level = topLevel; ; level--) {
      int shift = 12 + 9 * level;
      long entryAddress = table + (address >>> shift & 511) * 8;
      long entry = readEntry(entryAddress);
      if ((entry & PRESENT) == 0) {
        throw pageFault(address, access, user, 0);
      }
      boolean leaf = level == 0 || (entry & LARGE) != 0;
      long pageMask = (1L << shift) - 1;
      if (hasReservedBits(entry, level, leaf, pageMask)) {
        throw pageFault(address, access, user, FAULT_PRESENT | FAULT_RESERVED);
      }
      allowed &= entry;
      forbidden |= entry & NO_EXECUTE;
      if (!leaf) {
        touch(entryAddress, entry, ACCESSED);
        table = entry & FRAME;
        continue;
      }
      boolean writable = mayWrite(allowed, user);
      boolean denied =
          (user && (allowed & USER) == 0)
              || (access == Access.WRITE && !writable)
              || (access == Access.EXECUTE && forbidden != 0);
      if (denied) {
        throw pageFault(address, access, user, FAULT_PRESENT);
      }
      boolean dirtied = access == Access.WRITE;
      touch(entryAddress, entry, dirtied ? ACCESSED | DIRTY : ACCESSED);
      writableNow = writable && (dirtied || (entry & DIRTY) != 0);
      large = level > 0;
      return (entry & FRAME & ~pageMask) | (address & pageMask);
    }
  }

  private boolean hasReservedBits(long entry, int level, boolean leaf, long pageMask) {
    long reserved = RESERVED;
    if (!paging.noExecute) {
      reserved |= NO_EXECUTE;
    }
    if (leaf && level > 0) {
      reserved |= pageMask & ~0x1FFFL; // bit 12 is PAT in a large page
    }
    if (level == 3) {
      reserved |= LARGE;
    }
    return (entry & reserved) != 0;
  }

  private long walkLegacy(long address, int access, boolean user) {
    long directoryAddress = (paging.root & 0xFFFF_F000L) + (address >>> 22) * 4;
    long directory = readEntry32(directoryAddress);
    if ((directory & PRESENT) == 0) {
      throw pageFault(address, access, user, 0);
    }
    boolean ofFourMebibytes = (directory & LARGE) != 0 && paging.largePages32;
    long entryAddress = directoryAddress;
    long entry = directory;
    long allowed = directory;
    if (!ofFourMebibytes) {
      touch32(directoryAddress, directory, ACCESSED);
      entryAddress = (directory & 0xFFFF_F000L) + (address >>> 12 & 1023) * 4;
      entry = readEntry32(entryAddress);
      if ((entry & PRESENT) == 0) {
        throw pageFault(address, access, user, 0);
      }
      allowed &= entry;
    }
    boolean writable = mayWrite(allowed, user);
    if ((user && (allowed & USER) == 0) || (access == Access.WRITE && !writable)) {
      throw pageFault(address, access, user, FAULT_PRESENT);
    }
    boolean dirtied = access == Access.WRITE;
    touch32(entryAddress, entry, dirtied ? ACCESSED | DIRTY : ACCESSED);
    writableNow = writable && (dirtied || (entry & DIRTY) != 0);
    large = ofFourMebibytes;
    return large
        ? (entry & 0xFFC0_0000L) | (address & 0x3F_FFFFL)
        : (entry & 0xFFFF_F000L) | (address & 0xFFF);
  }

  private boolean mayWrite(long allowed, boolean user) {
    return (allowed & WRITABLE) != 0 || (!user && !paging.writeProtect);
  }

  private GuestFault pageFault(long address, int access, boolean user, int code) {
    int errorCode = code;
    if (access == Access.WRITE) {
      errorCode |= FAULT_WRITE;
    }
    if (user) {
      errorCode |= FAULT_USER;
    }
    if (access == Access.EXECUTE && paging.noExecute) {
      errorCode |= FAULT_FETCH;
    }
    return fault.page(address, errorCode);
  }

  private boolean inRam(long entryAddress, int byteSize) {
    return entryAddress >= 0 && entryAddress <= ram.byteSize() - byteSize;
  }

  private long readEntry(long entryAddress) {
    return inRam(entryAddress, 8) ? ram.get(LONG, entryAddress) : 0;
  }

  private long readEntry32(long entryAddress) {
    return inRam(entryAddress, 4) ? ram.get(INT, entryAddress) & 0xFFFF_FFFFL : 0;
  }

  private void touch(long entryAddress, long entry, long bits) {
    if ((entry & bits) != bits) {
      requireWritable(entryAddress);
      ram.set(LONG, entryAddress, entry | bits);
    }
  }

  private void touch32(long entryAddress, long entry, long bits) {
    if ((entry & bits) != bits) {
      requireWritable(entryAddress);
      ram.set(INT, entryAddress, (int) (entry | bits));
    }
  }

  private void requireWritable(long entryAddress) {
    if ((space.permissions(entryAddress) & Access.WRITE) == 0) {
      throw space.violation(entryAddress, entryAddress, Access.WRITE);
    }
  }
}
