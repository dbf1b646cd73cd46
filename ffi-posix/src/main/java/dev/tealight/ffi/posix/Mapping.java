// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Maps memory into an arena: a use after the arena was closed throws instead of crashing. */
public final class Mapping {
  private Mapping() {}

  /**
   * Maps what a descriptor offers, shared, readable and writable.
   *
   * @param host where
   * @param descriptor whose memory
   * @param byteSize from its start
   * @param arena that unmaps it
   * @return the mapping
   */
  public static MemorySegment shared(
      HostCalls host, Descriptor descriptor, long byteSize, Arena arena) {
    return shared(host, descriptor, byteSize, 0, arena);
  }

  /**
   * Maps what a descriptor offers, shared, readable and writable.
   *
   * @param host where
   * @param descriptor whose memory
   * @param byteSize from its start
   * @param flags {@code MAP_} bits beside {@code MAP_SHARED}
   * @param arena that unmaps it
   * @return the mapping
   */
  public static MemorySegment shared(
      HostCalls host, Descriptor descriptor, long byteSize, int flags, Arena arena) {
    long address =
        Descriptor.check(
            host,
            host.mmap(
                byteSize,
                LinuxAbi.PROT_READ | LinuxAbi.PROT_WRITE,
                LinuxAbi.MAP_SHARED | flags,
                descriptor.number(),
                0),
            "mmap",
            "byteSize=" + byteSize + " of " + descriptor);
    return adopt(host, address, byteSize, arena);
  }

  /**
   * Maps zero-filled memory that costs only what is touched.
   *
   * @param host where
   * @param byteSize how much, whole pages
   * @param alignment of the address, a power of two, at least a page
   * @param arena that unmaps it
   * @return the mapping, readable and writable
   */
  public static MemorySegment anonymous(
      HostCalls host, long byteSize, long alignment, Arena arena) {
    // Not formatted: that takes milliseconds the first time, and nobody reads it unless a call
    // fails.
    String details = "byteSize=" + byteSize + " alignment=" + alignment;
    long reserved = Math.addExact(byteSize, alignment);
    long start =
        Descriptor.check(
            host,
            host.mmap(
                reserved,
                LinuxAbi.PROT_READ | LinuxAbi.PROT_WRITE,
                LinuxAbi.MAP_PRIVATE | LinuxAbi.MAP_ANONYMOUS | LinuxAbi.MAP_NORESERVE,
                -1,
                0),
            "mmap",
            details);
    long aligned = (start + alignment - 1) & -alignment;
    long end = aligned + byteSize;
    try {
      unmap(host, start, aligned - start, details);
      unmap(host, end, start + reserved - end, details);
    } catch (RuntimeException e) {
      // Pages that are gone already do no harm here.
      host.munmap(start, reserved);
      throw e;
    }
    return adopt(host, aligned, byteSize, arena);
  }

  /**
   * Tells the host how a part of a mapping will be used.
   *
   * @param host where
   * @param part whole pages, may be empty
   * @param advice one {@code MADV_} value
   * @return 0, or the negated errno: most advice may be ignored
   */
  public static long advise(HostCalls host, MemorySegment part, int advice) {
    return part.byteSize() == 0 ? 0 : host.madvise(part.address(), part.byteSize(), advice);
  }

  /**
   * {@return memory by its address, for whoever looks at calls to the host}
   *
   * <p>Nothing keeps the memory alive: the segment is used during the call that was given the
   * address, or as long as the mapping is known to be there.
   *
   * @param address that a call was given, or that {@code mmap} returned
   * @param byteSize how many bytes the call or the mapping has there
   */
  public static MemorySegment view(long address, long byteSize) {
    return NativeAccess.view(address, byteSize);
  }

  private static MemorySegment adopt(HostCalls host, long address, long byteSize, Arena arena) {
    return NativeAccess.adopt(
        address, byteSize, arena, mapping -> host.munmap(mapping.address(), byteSize));
  }

  private static void unmap(HostCalls host, long address, long byteSize, String details) {
    if (byteSize > 0) {
      Descriptor.check(host, host.munmap(address, byteSize), "munmap", details);
    }
  }
}
