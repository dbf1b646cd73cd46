// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.VmOptions;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.LinuxAbi;
import dev.tealight.ffi.posix.Mapping;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Maps the host memory behind a guest's. */
final class BackingMemory {
  /** A large page of the host, and the alignment that lets it be used. */
  static final long LARGE_PAGE = 2L << 20;

  private BackingMemory() {}

  /** {@return zero-filled memory that costs what is touched, kept out of dumps and children} */
  static MemorySegment map(HostCalls host, VmOptions options, Arena arena) {
    MemorySegment memory = Mapping.anonymous(host, options.memoryByteSize(), LARGE_PAGE, arena);
    adviseOrThrow(host, memory, LinuxAbi.MADV_DONTDUMP);
    adviseOrThrow(host, memory, LinuxAbi.MADV_DONTFORK);
    switch (options.hugePages()) {
      case ALWAYS -> advise(host, memory, LinuxAbi.MADV_HUGEPAGE);
      case NEVER -> advise(host, memory, LinuxAbi.MADV_NOHUGEPAGE);
      case AUTO -> adviseByUse(host, memory);
    }
    return memory;
  }

  /**
   * Loaders put tables and image at the beginning and the stack at the end. A small guest touches
   * little else, and with small pages there it stays cheap. What lies between is heap, where large
   * pages are 40 times faster to touch for the first time.
   */
  private static void adviseByUse(HostCalls host, MemorySegment memory) {
    long end = (memory.byteSize() - 1) / LARGE_PAGE * LARGE_PAGE;
    if (end <= LARGE_PAGE) {
      advise(host, memory, LinuxAbi.MADV_NOHUGEPAGE);
      return;
    }
    advise(host, memory.asSlice(0, LARGE_PAGE), LinuxAbi.MADV_NOHUGEPAGE);
    advise(host, memory.asSlice(LARGE_PAGE, end - LARGE_PAGE), LinuxAbi.MADV_HUGEPAGE);
    advise(host, memory.asSlice(end), LinuxAbi.MADV_NOHUGEPAGE);
  }

  /** A host without large pages refuses; everything works without them. */
  private static void advise(HostCalls host, MemorySegment part, int advice) {
    long _ = Mapping.advise(host, part, advice);
  }

  private static void adviseOrThrow(HostCalls host, MemorySegment memory, int advice) {
    Descriptor.check(
        host,
        Mapping.advise(host, memory, advice),
        "madvise",
        "byteSize=" + memory.byteSize() + " advice=" + advice);
  }
}
