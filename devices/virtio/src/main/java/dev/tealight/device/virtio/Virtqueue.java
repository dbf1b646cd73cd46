// SPDX-License-Identifier: ISC
package dev.tealight.device.virtio;

import dev.tealight.GuestAccessException;
import dev.tealight.GuestMemory;

/**
 * The device's end of a split virtqueue in its legacy layout: descriptors, available ring and, from
 * the next page on, used ring. vCPU thread only; the guest stands still meanwhile.
 *
 * <p>Whatever a guest writes there, each method does a bounded amount of work and touches the queue
 * alone. What makes no sense throws {@link GuestAccessException}, which ends the run as a fault of
 * the guest.
 *
 * @see "Virtual I/O Device (VIRTIO) Version 1.2, 2.7"
 */
public final class Virtqueue {

  /** The size that every driver can cope with. */
  public static final int DEFAULT_SIZE = 256;

  private static final int PAGE = GuestMemory.PAGE_BYTE_SIZE;
  private static final int DESCRIPTOR_BYTE_SIZE = 16;
  private static final int USED_ELEMENT_BYTE_SIZE = 8;
  private static final int NO_INTERRUPT = 1;

  // In both rings.
  private static final int FLAGS = 0;
  private static final int INDEX = 2;
  private static final int RING = 4;

  private final GuestMemory memory;
  private final int size;
  private boolean ready;
  private long table;
  private long available;
  private long used;
  private int nextAvailable;
  private int nextUsed;

  /**
   * Creates one that the guest has not placed yet.
   *
   * @param memory of the guest
   * @param size of the rings: a power of two, 1 to 32768
   */
  public Virtqueue(GuestMemory memory, int size) {
    if (size < 1 || size > 1 << 15 || Integer.bitCount(size) != 1) {
      throw new IllegalArgumentException(
          "a queue of %d: give a power of two from 1 to 32768".formatted(size));
    }
    this.memory = memory;
    this.size = size;
  }

  /** {@return the number of descriptors} */
  public int size() {
    return size;
  }

  /**
   * Puts the queue into guest memory, empty.
   *
   * @param gpa a multiple of 4096, or 0 to take it away
   * @throws GuestAccessException if not all of it is in memory that the guest may write
   */
  public void place(long gpa) {
    ready = false;
    nextAvailable = 0;
    nextUsed = 0;
    if (gpa == 0) {
      return;
    }
    table = gpa;
    available = gpa + (long) DESCRIPTOR_BYTE_SIZE * size;
    long availableEnd = available + RING + 2L * size + 2;
    used = (availableEnd + PAGE - 1) & -PAGE;
    memory.checkWrite(gpa, used + RING + (long) USED_ELEMENT_BYTE_SIZE * size + 2 - gpa);
    ready = true;
  }

  /** {@return whether the guest has placed it} */
  public boolean isReady() {
    return ready;
  }

  /**
   * {@return whether {@link #next} would give a chain}
   *
   * @throws GuestAccessException if the guest offers more chains than there are descriptors
   */
  public boolean hasNext() {
    if (!ready) {
      return false;
    }
    int offered = offered();
    if (offered > size) {
      throw new GuestAccessException(
          "the available index went from %d to %d in a queue of %d"
              .formatted(nextAvailable, (nextAvailable + offered) & 0xffff, size));
    }
    return offered != 0;
  }

  private int offered() {
    return (memory.readShort(available + INDEX) - nextAvailable) & 0xffff;
  }

  /** {@return whether the guest offers something, be it nonsense that {@link #next} refuses} */
  public boolean hasOffer() {
    return ready && offered() != 0;
  }

  /**
   * Takes the next chain that the guest made available.
   *
   * @param chain filled with it; has room for {@link #size} descriptors
   * @return false if there is none
   * @throws GuestAccessException if the guest offers nonsense
   */
  public boolean next(DescriptorChain chain) {
    if (!hasNext()) {
      return false;
    }
    long entry = available + RING + 2L * (nextAvailable & (size - 1));
    chain.read(memory, table, size, memory.readShort(entry) & 0xffff);
    nextAvailable = (nextAvailable + 1) & 0xffff;
    return true;
  }

  /** Takes back that {@link #next} gave its last chain, so that it gives that chain again. */
  public void unread() {
    nextAvailable = (nextAvailable - 1) & 0xffff;
  }

  /**
   * Gives a chain back.
   *
   * @param chain that {@link #next} gave
   * @param written bytes that were written to its buffers
   */
  public void complete(DescriptorChain chain, long written) {
    long element = used + RING + (long) USED_ELEMENT_BYTE_SIZE * (nextUsed & (size - 1));
    memory.writeLong(element, (written << 32) | chain.head());
    nextUsed = (nextUsed + 1) & 0xffff;
    memory.writeShort(used + INDEX, (short) nextUsed);
  }

  /** {@return whether the driver wants to hear of completed chains by interrupt} */
  public boolean wantsInterrupt() {
    return ready && (memory.readShort(available + FLAGS) & NO_INTERRUPT) == 0;
  }
}
