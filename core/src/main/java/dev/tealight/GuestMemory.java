// SPDX-License-Identifier: ISC
package dev.tealight;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * The memory of one guest, from guest physical address 0 to {@link #byteSize}, little-endian and
 * without alignment rules.
 *
 * <p>All accesses here are made <em>on the guest's behalf</em>: they are checked against the size
 * and against the {@link Region}s' protection, and what fails the check throws {@link
 * GuestAccessException}, which ends the run as a fault of the guest. The guest runs while these
 * methods are called and may change any byte at any time: read each field once, check the copy, use
 * the copy.
 *
 * <p>Any thread may use it until the VM is closed; then every access throws {@link
 * IllegalStateException}.
 */
public final class GuestMemory {

  /** The smallest unit of protection, in bytes. */
  public static final int PAGE_BYTE_SIZE = 4096;

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final MemorySegment segment;
  private final long byteSize;
  private volatile Restrictions restrictions = Restrictions.NONE;

  private GuestMemory(MemorySegment segment, long byteSize) {
    this.segment = segment;
    this.byteSize = byteSize;
  }

  /**
   * Wraps a host mapping. For backends.
   *
   * @param segment shared by all threads, writable, zero-filled, byte 0 being guest physical
   *     address 0; its lifetime is the VM's
   * @return the guest's view of it, with no restriction yet
   */
  public static GuestMemory over(MemorySegment segment) {
    if (segment.isReadOnly()) {
      throw new IllegalArgumentException("guest memory must be writable by the monitor");
    }
    return new GuestMemory(segment, segment.byteSize());
  }

  /**
   * {@return the first {@code byteSize} bytes as a memory of its own, with the restrictions of now}
   *
   * @param byteSize at most {@link #byteSize}
   */
  public GuestMemory truncated(long byteSize) {
    GuestMemory part = new GuestMemory(segment.asSlice(0, byteSize), byteSize);
    part.restrictions = restrictions;
    return part;
  }

  /** {@return the number of bytes} */
  public long byteSize() {
    return byteSize;
  }

  /**
   * Sets what the guest may do where; memory that no region names is unrestricted. For backends,
   * see {@link Vm#protect}.
   *
   * @param regions in any order, without overlap, inside memory
   */
  public void restrict(List<Region> regions) {
    restrictions = Restrictions.of(regions, byteSize);
  }

  /** {@return the regions in force, by ascending address} */
  public List<Region> regions() {
    return restrictions.regions;
  }

  /**
   * Tells whether an access would be allowed.
   *
   * @param gpa first byte, unsigned
   * @param byteSize at least 0
   * @return true if the range is inside memory and every byte of it may be read by the guest
   */
  public boolean isReadable(long gpa, long byteSize) {
    return inside(gpa, byteSize) && restrictions.allowRead(gpa, byteSize);
  }

  /**
   * Tells whether an access would be allowed.
   *
   * @param gpa first byte, unsigned
   * @param byteSize at least 0
   * @return true if the range is inside memory and every byte of it may be written by the guest
   */
  public boolean isWritable(long gpa, long byteSize) {
    return inside(gpa, byteSize) && restrictions.allowWrite(gpa, byteSize);
  }

  /**
   * Checks that the guest may read a range.
   *
   * @param gpa first byte, unsigned
   * @param byteSize unsigned; 0 needs {@code gpa} inside memory or at its end
   * @throws GuestAccessException if not
   */
  public void checkRead(long gpa, long byteSize) {
    checkInside(gpa, byteSize);
    if (!restrictions.allowRead(gpa, byteSize)) {
      throw forbidden("read", gpa, byteSize);
    }
  }

  /**
   * Checks that the guest may write a range.
   *
   * @param gpa first byte, unsigned
   * @param byteSize unsigned; 0 needs {@code gpa} inside memory or at its end
   * @throws GuestAccessException if not
   */
  public void checkWrite(long gpa, long byteSize) {
    checkInside(gpa, byteSize);
    if (!restrictions.allowWrite(gpa, byteSize)) {
      throw forbidden("write", gpa, byteSize);
    }
  }

  /**
   * {@return the byte at an address}
   *
   * @param gpa unsigned
   * @throws GuestAccessException if the guest may not read it
   */
  public byte readByte(long gpa) {
    checkRead(gpa, Byte.BYTES);
    return segment.get(ValueLayout.JAVA_BYTE, gpa);
  }

  /**
   * {@return the 16-bit value at an address}
   *
   * @param gpa unsigned, any alignment
   * @throws GuestAccessException if the guest may not read it
   */
  public short readShort(long gpa) {
    checkRead(gpa, Short.BYTES);
    return segment.get(SHORT, gpa);
  }

  /**
   * {@return the 32-bit value at an address}
   *
   * @param gpa unsigned, any alignment
   * @throws GuestAccessException if the guest may not read it
   */
  public int readInt(long gpa) {
    checkRead(gpa, Integer.BYTES);
    return segment.get(INT, gpa);
  }

  /**
   * {@return the 64-bit value at an address}
   *
   * @param gpa unsigned, any alignment
   * @throws GuestAccessException if the guest may not read it
   */
  public long readLong(long gpa) {
    checkRead(gpa, Long.BYTES);
    return segment.get(LONG, gpa);
  }

  /**
   * Stores a byte.
   *
   * @param gpa unsigned
   * @param value stored as is
   * @throws GuestAccessException if the guest may not write there
   */
  public void writeByte(long gpa, byte value) {
    checkWrite(gpa, Byte.BYTES);
    segment.set(ValueLayout.JAVA_BYTE, gpa, value);
  }

  /**
   * Stores 16 bits.
   *
   * @param gpa unsigned, any alignment
   * @param value stored little-endian
   * @throws GuestAccessException if the guest may not write there
   */
  public void writeShort(long gpa, short value) {
    checkWrite(gpa, Short.BYTES);
    segment.set(SHORT, gpa, value);
  }

  /**
   * Stores 32 bits.
   *
   * @param gpa unsigned, any alignment
   * @param value stored little-endian
   * @throws GuestAccessException if the guest may not write there
   */
  public void writeInt(long gpa, int value) {
    checkWrite(gpa, Integer.BYTES);
    segment.set(INT, gpa, value);
  }

  /**
   * Stores 64 bits.
   *
   * @param gpa unsigned, any alignment
   * @param value stored little-endian
   * @throws GuestAccessException if the guest may not write there
   */
  public void writeLong(long gpa, long value) {
    checkWrite(gpa, Long.BYTES);
    segment.set(LONG, gpa, value);
  }

  /**
   * Copies guest bytes to the host.
   *
   * @param gpa first byte, unsigned
   * @param target where to
   * @param offset first index in {@code target}
   * @param length number of bytes
   * @throws GuestAccessException if the guest may not read the whole range; nothing is copied then
   */
  public void copyOut(long gpa, byte[] target, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, target.length);
    checkRead(gpa, length);
    MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, gpa, target, offset, length);
  }

  /**
   * Copies host bytes to the guest.
   *
   * @param gpa first byte, unsigned
   * @param source where from
   * @param offset first index in {@code source}
   * @param length number of bytes
   * @throws GuestAccessException if the guest may not write the whole range; nothing is copied then
   */
  public void copyIn(long gpa, byte[] source, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, source.length);
    checkWrite(gpa, length);
    MemorySegment.copy(source, offset, segment, ValueLayout.JAVA_BYTE, gpa, length);
  }

  /**
   * Returns a range without copying it. The guest may change the bytes at any time.
   *
   * @param gpa first byte, unsigned
   * @param byteSize at least 0
   * @return a view valid until the VM is closed; read-only unless the guest may write all of it
   * @throws GuestAccessException if the guest may not read the whole range
   */
  public MemorySegment slice(long gpa, long byteSize) {
    checkRead(gpa, byteSize);
    MemorySegment view = segment.asSlice(gpa, byteSize);
    return restrictions.allowWrite(gpa, byteSize) ? view : view.asReadOnly();
  }

  /**
   * {@return the whole mapping, unchecked and unrestricted} For the monitor's own writes, such as
   * loading an image, and for backends; never with an address that came from the guest and was not
   * checked.
   */
  public MemorySegment unrestricted() {
    return segment;
  }

  private boolean inside(long gpa, long length) {
    return gpa >= 0 && length >= 0 && gpa <= byteSize && length <= byteSize - gpa;
  }

  private void checkInside(long gpa, long length) {
    if (!inside(gpa, length)) {
      throw new GuestAccessException(
          "range gpa=0x%x byteSize=%s is outside guest memory of %d bytes"
              .formatted(gpa, Long.toUnsignedString(length), byteSize));
    }
  }

  private GuestAccessException forbidden(String verb, long gpa, long length) {
    return new GuestAccessException(
        "%s of gpa=0x%x byteSize=%d is forbidden by the protection of its region"
            .formatted(verb, gpa, length));
  }

  /** The regions that withhold something, as sorted arrays, replaced as a whole. */
  private static final class Restrictions {
    static final Restrictions NONE = new Restrictions(List.of());

    final List<Region> regions;
    private final long[] starts;
    private final long[] ends;
    private final boolean[] readable;
    private final boolean[] writable;
    private final long lastEnd;

    private Restrictions(List<Region> sorted) {
      regions = sorted;
      int n = sorted.size();
      starts = new long[n];
      ends = new long[n];
      readable = new boolean[n];
      writable = new boolean[n];
      for (int i = 0; i < n; i++) {
        Region region = sorted.get(i);
        starts[i] = region.gpa();
        ends[i] = region.end();
        // What the processor may fetch the monitor may read for it: text is execute-only in today's
        // images.
        readable[i] = region.protection().read() || region.protection().execute();
        writable[i] = region.protection().write();
      }
      lastEnd = n == 0 ? 0 : ends[n - 1];
    }

    static Restrictions of(List<Region> regions, long memoryByteSize) {
      Region[] sorted = regions.toArray(Region[]::new);
      Arrays.sort(sorted, (a, b) -> Long.compare(a.gpa(), b.gpa()));
      long end = 0;
      for (Region region : sorted) {
        if (region.gpa() < end || region.end() > memoryByteSize) {
          throw new IllegalArgumentException(
              "%s overlaps another region or leaves memory of %d bytes"
                  .formatted(region, memoryByteSize));
        }
        end = region.end();
      }
      return new Restrictions(List.of(sorted));
    }

    boolean allowRead(long gpa, long length) {
      return length == 0 || gpa >= lastEnd || allow(readable, gpa, length);
    }

    boolean allowWrite(long gpa, long length) {
      return length == 0 || gpa >= lastEnd || allow(writable, gpa, length);
    }

    private boolean allow(boolean[] allowed, long gpa, long length) {
      for (int i = 0; i < starts.length; i++) {
        if (!allowed[i] && gpa < ends[i] && starts[i] < gpa + length) {
          return false;
        }
      }
      return true;
    }
  }
}
