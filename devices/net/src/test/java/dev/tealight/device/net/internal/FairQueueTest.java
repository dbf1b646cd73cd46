// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.ReadinessSource;
import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import dev.tealight.testkit.Allocation;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** The queue against a plain model, and its fairness. */
class FairQueueTest {
  private static final int LANES = 5;
  private final byte[] target = new byte[70_000];

  private byte[] poll(FairQueue queue) {
    int length = queue.poll(MemorySegment.ofArray(target), 0, target.length);
    return Arrays.copyOf(target, length);
  }

  private static byte[] frame(SplittableRandom random, int byteSize) {
    byte[] frame = new byte[byteSize];
    random.nextBytes(frame);
    return frame;
  }

  /** What was accepted comes out whole, once, and in its lane's order; then all room is free. */
  @Property
  void framesOfALaneComeInOrderAndWhole(@ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    FairQueue queue = new FairQueue(256 * (1 + random.nextInt(512)));
    List<Queue<byte[]>> lanes = new ArrayList<>();
    for (int i = 0; i < LANES; i++) {
      lanes.add(new ArrayDeque<>());
    }
    int waiting = 0;
    for (int step = 0; step < 200; step++) {
      if (random.nextInt(5) < 3) {
        int lane = random.nextInt(LANES);
        byte[] frame = frame(random, 1 + random.nextInt(1200));
        if (queue.offer(lane, frame, frame.length)) {
          lanes.get(lane).add(frame);
          waiting++;
        }
      } else {
        byte[] got = poll(queue);
        assertThat(got.length > 0).isEqualTo(waiting > 0);
        if (got.length > 0) {
          assertThat(lanes.stream().filter(lane -> Arrays.equals(lane.peek(), got)).findFirst())
              .get()
              .satisfies(Queue::remove);
          waiting--;
        }
      }
      assertThat(queue.isReady()).isEqualTo(waiting > 0);
    }
    while (waiting-- > 0) {
      assertThat(poll(queue)).isNotEmpty();
    }
    assertThat(poll(queue)).isEmpty();
  }

  @Test
  void wholeRoomIsThereAgainAfterAnyUse() {
    FairQueue queue = new FairQueue(16 * 256);
    SplittableRandom random = new SplittableRandom(7);
    for (int i = 0; i < 1000; i++) {
      byte[] frame = frame(random, 16 * 256);
      assertThat(queue.offer(0, frame, frame.length)).isTrue();
      assertThat(queue.offer(1, frame, 1)).isFalse();
      assertThat(poll(queue)).isEqualTo(frame);
    }
  }

  @Test
  void roomIsTakenFromTheHeapOnlyAsFramesWait() {
    Allocation allocation = new Allocation();
    long start = allocation.byteSize();
    FairQueue queue = new FairQueue(256 << 20);
    byte[] frame = new byte[1514];
    for (int i = 0; i < 10; i++) {
      assertThat(queue.offer(0, frame, frame.length)).isTrue();
    }
    while (queue.poll(MemorySegment.ofArray(target), 0, target.length) > 0) {}
    assertThat(allocation.byteSize() - start).isLessThan(32 << 20);
  }

  @Test
  void frameIsCutToTheBuffer() {
    FairQueue queue = new FairQueue(4096);
    byte[] frame = frame(new SplittableRandom(1), 1000);
    for (int size : new int[] {1, 255, 256, 257, 999}) {
      assertThat(queue.offer(0, frame, frame.length)).isTrue();
      Arrays.fill(target, (byte) 0x55);
      assertThat(queue.poll(MemorySegment.ofArray(target), 3, size)).isEqualTo(size);
      assertThat(Arrays.copyOfRange(target, 3, 3 + size)).isEqualTo(Arrays.copyOf(frame, size));
      assertThat(target[2]).isEqualTo((byte) 0x55);
      assertThat(target[3 + size]).isEqualTo((byte) 0x55);
    }
    assertThat(queue.isReady()).isFalse();
  }

  @Test
  void lanesTakeTurns() {
    FairQueue queue = new FairQueue(64 * 1024);
    for (int i = 0; i < 50; i++) {
      assertThat(queue.offer(0, new byte[] {0, (byte) i}, 2)).isTrue();
    }
    assertThat(queue.offer(1, new byte[] {1, 0}, 2)).isTrue();
    assertThat(poll(queue)).isEqualTo(new byte[] {0, 0});
    assertThat(poll(queue)).isEqualTo(new byte[] {1, 0});
    assertThat(poll(queue)).isEqualTo(new byte[] {0, 1});
  }

  @Test
  void senderThatNeverEndsLeavesRoomForOthers() {
    FairQueue queue = new FairQueue(64 * 256);
    int taken = 0;
    while (queue.offer(0, new byte[256], 256)) {
      taken++;
    }
    assertThat(taken).isEqualTo(32);
    int others = 0;
    while (queue.offer(1, new byte[256], 256)) {
      others++;
    }
    assertThat(others).isEqualTo(16);
  }

  @Test
  void frameOfAWaitingReceiverWakesItOnce() {
    FairQueue queue = new FairQueue(4096);
    CountingWaiter waiter = new CountingWaiter();
    queue.attach(waiter);
    assertThat(queue.offer(0, new byte[1], 1)).isTrue();
    assertThat(waiter.wakes).as("nobody waits").isZero();
    assertThat(poll(queue)).hasSize(1);
    assertThat(queue.isReady()).isFalse();
    assertThat(queue.offer(0, new byte[1], 1)).isTrue();
    assertThat(queue.offer(0, new byte[1], 1)).isTrue();
    assertThat(waiter.wakes).isEqualTo(1);
  }

  @Test
  void closedQueueTakesNothingAndEndsWaits() throws InterruptedException {
    FairQueue queue = new FairQueue(4096);
    Thread closer = Thread.ofVirtual().start(queue::close);
    assertThat(queue.await(Long.MAX_VALUE / 4)).isFalse();
    closer.join();
    assertThat(queue.offer(0, new byte[1], 1)).isFalse();
  }

  private static final class CountingWaiter implements Waiter {
    private int wakes;

    @Override
    public void await(TimeSource time, long deadlineNanos, List<ReadinessSource> sources) {}

    @Override
    public void wake() {
      wakes++;
    }

    @Override
    public void close() {}
  }
}
