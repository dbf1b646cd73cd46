// SPDX-License-Identifier: ISC
package dev.tealight.device.virtio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.GuestAccessException;
import dev.tealight.GuestMemory;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Queues with a proper driver at the other end, and with a hostile one. */
class VirtqueuePropertyTest {
  private static final int MEMORY = 1 << 20;
  private static final long PLACE = 0x4000;

  private final GuestMemory memory = GuestMemory.over(Arena.ofAuto().allocate(MEMORY));

  private long available(int size) {
    return PLACE + 16L * size;
  }

  private long used(int size) {
    return (available(size) + 4 + 2L * size + 2 + 4095) & -4096;
  }

  private void describe(int index, long gpa, int byteSize, int flags, int next) {
    memory.writeLong(PLACE + 16L * index, gpa);
    memory.writeInt(PLACE + 16L * index + 8, byteSize);
    memory.writeShort(PLACE + 16L * index + 12, (short) flags);
    memory.writeShort(PLACE + 16L * index + 14, (short) next);
  }

  private void offer(int size, int head) {
    int index = memory.readShort(available(size) + 2) & 0xffff;
    memory.writeShort(available(size) + 4 + 2L * (index % size), (short) head);
    memory.writeShort(available(size) + 2, (short) (index + 1));
  }

  private Virtqueue placed(int size) {
    Virtqueue queue = new Virtqueue(memory, size);
    queue.place(PLACE);
    return queue;
  }

  /** Whatever the sizes and lengths, chains come in order and go back under their own number. */
  @Property(tries = 200)
  void chainsComeInOrderAndGoBack(@ForAll @IntRange(max = 8) int exponent, @ForAll long seed) {
    int size = 1 << exponent;
    Random random = new Random(seed);
    memory.unrestricted().fill((byte) 0);
    Virtqueue queue = placed(size);
    DescriptorChain chain = new DescriptorChain(size);
    for (int round = 0; round < 300; round++) {
      List<Integer> lengths = new ArrayList<>();
      int head = random.nextInt(size);
      int count = 1 + random.nextInt(size);
      int readable = random.nextInt(count + 1);
      for (int i = 0; i < count; i++) {
        int length = random.nextInt(5000);
        lengths.add(length);
        describe(
            (head + i) % size,
            0x20000 + 16L * i,
            length,
            (i < count - 1 ? 1 : 0) | (i < readable ? 0 : 2),
            (head + i + 1) % size);
      }
      offer(size, head);
      assertThat(queue.next(chain)).isTrue();
      assertThat(queue.hasNext()).isFalse();
      assertThat(chain.count()).isEqualTo(count);
      assertThat(chain.readableCount()).isEqualTo(readable);
      for (int i = 0; i < count; i++) {
        assertThat(chain.byteSize(i)).isEqualTo((long) lengths.get(i));
        assertThat(chain.gpa(i)).isEqualTo(0x20000 + 16L * i);
      }
      queue.complete(chain, round);
      assertThat(memory.readShort(used(size) + 2) & 0xffff).isEqualTo(round + 1);
      assertThat(memory.readInt(used(size) + 4 + 8L * (round % size))).isEqualTo(head);
      assertThat(memory.readInt(used(size) + 8 + 8L * (round % size))).isEqualTo(round);
    }
  }

  /**
   * Random bytes as table and rings: an error or a chain inside memory, and nothing else changes.
   */
  @Property
  void garbageIsRefusedOrHarmless(@ForAll @IntRange(max = 8) int exponent, @ForAll long seed) {
    int size = 1 << exponent;
    Random random = new Random(seed);
    byte[] garbage = new byte[(int) (used(size) - PLACE)];
    random.nextBytes(garbage);
    if (random.nextBoolean()) {
      // Mostly sane, to come further.
      for (int i = 0; i < size; i++) {
        garbage[16 * i + 2] &= 0x07;
        for (int at = 3; at < 8; at++) {
          garbage[16 * i + at] = 0;
        }
        garbage[16 * i + 10] = 0;
        garbage[16 * i + 11] = 0;
        garbage[16 * i + 12] &= 0x03;
        garbage[16 * i + 15] = 0;
      }
      garbage[16 * size + 3] = 0;
    }
    memory.copyIn(PLACE, garbage, 0, garbage.length);
    Virtqueue queue = placed(size);
    DescriptorChain chain = new DescriptorChain(size);
    int taken = 0;
    try {
      while (taken <= size && queue.next(chain)) {
        taken++;
        assertThat(chain.count()).isBetween(1, size);
        for (int i = 0; i < chain.count(); i++) {
          assertThat(chain.gpa(i)).isBetween(0L, (long) MEMORY);
          assertThat(chain.gpa(i) + chain.byteSize(i)).isLessThanOrEqualTo(MEMORY);
        }
        queue.complete(chain, 1);
      }
    } catch (GuestAccessException e) {
      assertThat(e.getMessage()).isNotBlank();
    }
    assertThat(taken).isLessThanOrEqualTo(size);
    byte[] after = new byte[garbage.length];
    memory.copyOut(PLACE, after, 0, after.length);
    assertThat(after).isEqualTo(garbage);
  }

  @Property
  void placeOutsideMemoryIsRefused(@ForAll @IntRange(min = 0) int page) {
    Virtqueue queue = new Virtqueue(memory, 256);
    long gpa = page * 4096L;
    boolean fits = gpa + 10246 <= MEMORY;
    if (fits) {
      queue.place(gpa);
      assertThat(queue.isReady()).isEqualTo(gpa != 0);
    } else {
      assertThatThrownBy(() -> queue.place(gpa)).isInstanceOf(GuestAccessException.class);
      assertThat(queue.isReady()).isFalse();
      assertThat(queue.hasNext()).isFalse();
    }
  }

  @Test
  void chainThatNeverEndsIsRefused() {
    Virtqueue queue = placed(4);
    describe(0, 0x20000, 1, 1, 1);
    describe(1, 0x20000, 1, 1, 0);
    offer(4, 0);
    assertThatThrownBy(() -> queue.next(new DescriptorChain(4)))
        .isInstanceOf(GuestAccessException.class)
        .hasMessage("the chain of descriptor 0 never ends");
  }

  @Test
  void indirectDescriptorIsRefused() {
    Virtqueue queue = placed(4);
    describe(2, 0x20000, 16, 4, 0);
    offer(4, 2);
    assertThatThrownBy(() -> queue.next(new DescriptorChain(4)))
        .hasMessage("descriptor 2 is indirect, which was not offered");
  }

  @Test
  void lengthBeyondMemoryIsRefused() {
    Virtqueue queue = placed(4);
    describe(0, 0x20000, -1, 2, 0);
    offer(4, 0);
    assertThatThrownBy(() -> queue.next(new DescriptorChain(4)))
        .isInstanceOf(GuestAccessException.class)
        .hasMessageContaining("byteSize=4294967295");
  }

  @Test
  void readableAfterWritableIsRefused() {
    Virtqueue queue = placed(4);
    describe(0, 0x20000, 1, 3, 1);
    describe(1, 0x20000, 1, 0, 0);
    offer(4, 0);
    assertThatThrownBy(() -> queue.next(new DescriptorChain(4)))
        .hasMessage("descriptor 1 is to be read, but one before it to be written");
  }

  @Test
  void availableIndexThatJumpsIsRefused() {
    Virtqueue queue = placed(4);
    memory.writeShort(available(4) + 2, (short) 5);
    assertThatThrownBy(queue::hasNext)
        .hasMessage("the available index went from 0 to 5 in a queue of 4");
  }

  @Test
  void queueThatMovesIsEmptyAtItsNewPlaceAndLeavesTheOldOneAlone() {
    Virtqueue queue = placed(4);
    DescriptorChain chain = new DescriptorChain(4);
    for (int i = 0; i < 3; i++) {
      describe(i, 0x20000, 16, 2, 0);
      offer(4, i);
    }
    assertThat(queue.next(chain)).isTrue();
    queue.place(0x40000);
    assertThat(queue.hasNext()).isFalse();
    queue.complete(chain, 0); // what a device had under way when its queue moved
    assertThat(memory.readShort(used(4) + 2)).isZero();
    assertThat(memory.readShort(0x40000 + used(4) - PLACE + 2)).isEqualTo((short) 1);
  }

  @Test
  void emptyBufferInsideMemoryIsTakenAndOneBehindItIsRefused() {
    Virtqueue queue = placed(4);
    DescriptorChain chain = new DescriptorChain(4);
    describe(0, MEMORY, 0, 2, 0);
    offer(4, 0);
    assertThat(queue.next(chain)).isTrue();
    assertThat(chain.writableByteSize()).isZero();
    describe(1, MEMORY + 1, 0, 2, 0);
    offer(4, 1);
    assertThatThrownBy(() -> queue.next(chain)).isInstanceOf(GuestAccessException.class);
  }
}
