// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.tealight.ConfigurationException;
import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.ffi.posix.Descriptor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The mappings through which a VM sees its memory, each with what the guest may do there. The
 * kernel changes none, so others replace them. They are installed just before the guest runs, once
 * instead of at every change.
 */
final class MemoryMappings {

  /** A range of guest memory that lies at the same place in the VM's segment. */
  record Piece(long gpa, long byteSize, Protection protection) {
    long end() {
      return gpa + byteSize;
    }

    int prot() {
      return (protection.read() ? VmmStructs.PROT_READ : 0)
          | (protection.write() ? VmmStructs.PROT_WRITE : 0)
          | (protection.execute() ? VmmStructs.PROT_EXEC : 0);
    }

    @Override
    public String toString() {
      return "gpa=0x%x byteSize=%d prot=%s".formatted(gpa, byteSize, protection);
    }
  }

  /** The segment that is the VM's memory. */
  static final int SYSTEM_MEMORY = 0;

  /** From here on the kernel emulates interrupt controllers and a timer. */
  private static final long EMULATED_DEVICES = 0xfec00000L;

  private final Descriptor vm;
  private final int limit;
  private final Object installing = new Object();

  private volatile boolean dirty;
  private List<Piece> wanted = List.of();
  private List<Piece> installed = List.of();

  /**
   * Starts with none.
   *
   * @param vm the VM's device
   * @param limit how many there may be
   */
  MemoryMappings(Descriptor vm, int limit) {
    this.vm = vm;
    this.limit = limit;
  }

  /**
   * Sets what {@link #install} installs.
   *
   * @param regions without overlap, inside memory
   * @throws ConfigurationException if it takes more mappings than there may be
   */
  void want(List<Region> regions, long memoryByteSize) {
    List<Piece> pieces = plan(regions, memoryByteSize);
    if (pieces.size() > limit) {
      throw new ConfigurationException(
          "the protection of guest memory takes %d mappings, FreeBSD's vmm has %d: join regions, or"
                  .formatted(pieces.size(), limit)
              + " give neighbours the same protection");
    }
    synchronized (installing) {
      wanted = pieces;
      dirty = true;
    }
  }

  /** {@return the fewest mappings that cover memory as the regions ask for} */
  static List<Piece> plan(List<Region> regions, long memoryByteSize) {
    List<Piece> pieces = new ArrayList<>();
    long covered = 0;
    for (Region region : regions.stream().sorted(Comparator.comparingLong(Region::gpa)).toList()) {
      append(pieces, covered, region.gpa(), Protection.ALL);
      append(pieces, region.gpa(), region.end(), region.protection());
      covered = region.end();
    }
    append(pieces, covered, memoryByteSize, Protection.ALL);
    // The kernel maps nothing without a permission; nobody can touch what is not mapped.
    pieces.removeIf(piece -> piece.prot() == 0);
    return pieces;
  }

  private static void append(List<Piece> pieces, long gpa, long end, Protection protection) {
    if (gpa == end) {
      return;
    }
    if (!pieces.isEmpty() && pieces.getLast().protection().equals(protection)) {
      gpa = pieces.removeLast().gpa();
    }
    pieces.add(new Piece(gpa, end - gpa, protection));
  }

  /** Brings the kernel up to date; costs nothing if it is. */
  void install() {
    if (!dirty) {
      return;
    }
    synchronized (installing) {
      if (!dirty) {
        return; // another vCPU's thread was here first, and its guest may be running by now
      }
      // Step by step, so that a failure leaves the list true to what is installed.
      for (Piece old : installed) {
        if (!wanted.contains(old)) {
          unmap(old);
          installed = installed.stream().filter(piece -> !piece.equals(old)).toList();
        }
      }
      for (Piece next : wanted) {
        if (!installed.contains(next)) {
          map(next);
          List<Piece> more = new ArrayList<>(installed);
          more.add(next);
          installed = more;
        }
      }
      dirty = false;
    }
  }

  private void map(Piece piece) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment argument = arena.allocate(VmmStructs.MEMMAP);
      argument.set(JAVA_LONG, Fields.offset(VmmStructs.MEMMAP, "gpa"), piece.gpa());
      argument.set(JAVA_INT, Fields.offset(VmmStructs.MEMMAP, "segid"), SYSTEM_MEMORY);
      argument.set(JAVA_LONG, Fields.offset(VmmStructs.MEMMAP, "segoff"), piece.gpa());
      argument.set(JAVA_LONG, Fields.offset(VmmStructs.MEMMAP, "len"), piece.byteSize());
      argument.set(JAVA_INT, Fields.offset(VmmStructs.MEMMAP, "prot"), piece.prot());
      vm.ioctl(VmmIoctl.MMAP_MEMSEG, argument, new Details(piece));
    }
  }

  private void unmap(Piece piece) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment argument = arena.allocate(VmmStructs.MUNMAP);
      argument.set(JAVA_LONG, Fields.offset(VmmStructs.MUNMAP, "gpa"), piece.gpa());
      argument.set(JAVA_LONG, Fields.offset(VmmStructs.MUNMAP, "len"), piece.byteSize());
      vm.ioctl(VmmIoctl.MUNMAP_MEMSEG, argument, piece);
    }
  }

  /** The values of a mapping, and what may be wrong with them. */
  private record Details(Piece piece) {
    @Override
    public String toString() {
      return piece.end() <= EMULATED_DEVICES
          ? piece.toString()
          : "%s: the kernel emulates devices from 0x%x on, less memory may be accepted"
              .formatted(piece, EMULATED_DEVICES);
    }
  }
}
