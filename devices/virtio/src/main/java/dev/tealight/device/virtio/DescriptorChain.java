// SPDX-License-Identifier: ISC
package dev.tealight.device.virtio;

import dev.tealight.GuestAccessException;
import dev.tealight.GuestMemory;
import java.lang.foreign.MemorySegment;

/**
 * The buffers of one request: a copy of its descriptors, checked, so that the guest cannot change
 * them any more. Those that the device reads come before those that it writes. Made once and filled
 * by {@link Virtqueue#next}.
 */
public final class DescriptorChain {
  private static final int BYTE_SIZE = 16;
  private static final int NEXT = 1;
  private static final int WRITABLE = 1 << 1;
  private static final int INDIRECT = 1 << 2;

  private final long[] addresses;
  private final long[] byteSizes;
  private int count;
  private int readableCount;
  private int head;

  /**
   * Creates an empty one.
   *
   * @param capacity descriptors it can hold: the size of its queue
   */
  public DescriptorChain(int capacity) {
    addresses = new long[capacity];
    byteSizes = new long[capacity];
  }

  /** {@return how many buffers there are, 1 to the size of the queue} */
  public int count() {
    return count;
  }

  /** {@return how many of them the device reads: the first ones} */
  public int readableCount() {
    return readableCount;
  }

  /**
   * {@return the address of a buffer, inside memory with all of the buffer}
   *
   * @param index 0 to {@link #count}, exclusive
   */
  public long gpa(int index) {
    return addresses[index];
  }

  /**
   * {@return the bytes of a buffer, 0 to 2^32 - 1}
   *
   * @param index 0 to {@link #count}, exclusive
   */
  public long byteSize(int index) {
    return byteSizes[index];
  }

  /** {@return the bytes that the device may read, in all its buffers} */
  public long readableByteSize() {
    return sum(0, readableCount);
  }

  /** {@return the bytes that the device may write, in all its buffers} */
  public long writableByteSize() {
    return sum(readableCount, count);
  }

  private long sum(int from, int to) {
    long sum = 0;
    for (int i = from; i < to; i++) {
      sum += byteSizes[i];
    }
    return sum;
  }

  /**
   * Copies all that the device may read.
   *
   * @param memory of the guest
   * @param target has room for {@link #readableByteSize}
   */
  public void copyOut(GuestMemory memory, MemorySegment target) {
    long offset = 0;
    for (int i = 0; i < readableCount; i++) {
      MemorySegment.copy(memory.unrestricted(), addresses[i], target, offset, byteSizes[i]);
      offset += byteSizes[i];
    }
  }

  /**
   * Fills what the device may write, from its start.
   *
   * @param memory of the guest
   * @param source where from
   * @param byteSize how many bytes, at most {@link #writableByteSize}
   */
  public void copyIn(GuestMemory memory, MemorySegment source, long byteSize) {
    long offset = 0;
    for (int i = readableCount; i < count && offset < byteSize; i++) {
      long part = Math.min(byteSizes[i], byteSize - offset);
      MemorySegment.copy(source, offset, memory.unrestricted(), addresses[i], part);
      offset += part;
    }
  }

  int head() {
    return head;
  }

  /**
   * Copies a chain.
   *
   * @throws GuestAccessException if it is no proper chain
   */
  void read(GuestMemory memory, long table, int tableSize, int first) {
    head = first;
    count = 0;
    readableCount = 0;
    int index = first;
    int flags;
    do {
      if (index >= tableSize || count == tableSize) {
        throw new GuestAccessException(
            index >= tableSize
                ? "descriptor %d is named, of %d".formatted(index, tableSize)
                : "the chain of descriptor %d never ends".formatted(first));
      }
      long address = memory.readLong(table + (long) BYTE_SIZE * index);
      long rest = memory.readLong(table + (long) BYTE_SIZE * index + Long.BYTES);
      long byteSize = rest & 0xffff_ffffL;
      flags = (int) (rest >>> 32) & 0xffff;
      add(memory, index, address, byteSize, flags);
      index = (int) (rest >>> 48);
    } while ((flags & NEXT) != 0);
  }

  private void add(GuestMemory memory, int index, long address, long byteSize, int flags) {
    if ((flags & INDIRECT) != 0) {
      throw new GuestAccessException(
          "descriptor %d is indirect, which was not offered".formatted(index));
    }
    if ((flags & WRITABLE) != 0) {
      memory.checkWrite(address, byteSize);
    } else if (readableCount == count) {
      memory.checkRead(address, byteSize);
      readableCount++;
    } else {
      throw new GuestAccessException(
          "descriptor %d is to be read, but one before it to be written".formatted(index));
    }
    addresses[count] = address;
    byteSizes[count] = byteSize;
    count++;
  }
}
