// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.device.net.LinkConditions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The order of frames, with a clock that stands still. */
class ConditionerTest implements Conditioner.Target {
  private final List<Integer> delivered = new ArrayList<>();
  private int dropped;
  private final CountDownLatch tick = new CountDownLatch(1);
  private final ScheduledThreadPoolExecutor clock = new ScheduledThreadPoolExecutor(1);

  ConditionerTest() {
    clock.setRemoveOnCancelPolicy(true);
    clock.execute(
        () -> {
          try {
            tick.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
  }

  @AfterEach
  void stopClock() {
    clock.shutdownNow();
  }

  @Override
  public synchronized void deliver(int lane, byte[] frame, int byteSize) {
    delivered.add((int) frame[0]);
  }

  @Override
  public void lose() {}

  @Override
  public void drop() {
    dropped++;
  }

  private List<Integer> order(LinkConditions conditions) {
    delivered.clear();
    Conditioner conditioner = new Conditioner(conditions, () -> clock, 1 << 20, this);
    for (int i = 0; i < 100; i++) {
      conditioner.pass(0, new byte[] {(byte) i}, 1);
    }
    return List.copyOf(delivered);
  }

  @Test
  void reorderedFramesComeAfterTheNext() {
    List<Integer> order = order(LinkConditions.seeded(5).withReordering(0.3));
    assertThat(order).isNotEqualTo(order.stream().sorted().toList());
    for (int i = 0; i < order.size(); i++) {
      assertThat(Math.abs(order.get(i) - i)).isLessThanOrEqualTo(1);
    }
  }

  @Test
  void sameSeedMeansTheSameOrder() {
    LinkConditions conditions =
        LinkConditions.seeded(9).withReordering(0.3).withLoss(0.1).withDuplication(0.1);
    assertThat(order(conditions)).isEqualTo(order(conditions));
  }

  /** Else a sender could fill memory for as long as a frame is held. */
  @Test
  void clockKeepsNoMoreThanOneFrameThatIsHeldAndOneTaskForThoseUnderWay() {
    for (LinkConditions conditions :
        List.of(
            LinkConditions.seeded(1).withReordering(1),
            LinkConditions.seeded(1).withDelay(Duration.ofSeconds(1)))) {
      Conditioner conditioner = new Conditioner(conditions, () -> clock, 1 << 20, this);
      for (int i = 0; i < 10_001; i++) {
        conditioner.pass(0, new byte[100], 100);
      }
      assertThat(clock.getQueue()).hasSize(1);
      conditioner.close();
      clock.getQueue().clear();
    }
  }

  @Test
  void closedConditionerLosesWhatIsLate() throws InterruptedException {
    for (LinkConditions conditions :
        List.of(
            LinkConditions.seeded(1).withReordering(1),
            LinkConditions.seeded(1).withDelay(Duration.ofNanos(1)))) {
      Conditioner conditioner = new Conditioner(conditions, () -> clock, 100, this);
      conditioner.pass(0, new byte[] {1}, 1);
      conditioner.close();
      conditioner.pass(0, new byte[] {2}, 1);
    }
    clock.shutdown(); // what is in its queue is done still
    tick.countDown();
    assertThat(clock.awaitTermination(1, TimeUnit.MINUTES)).isTrue();
    // Without a delay there is nothing that could make it late.
    assertThat(delivered).containsExactly(2);
    assertThat(dropped).as("the frame that would have been delayed").isEqualTo(1);
  }

  @Test
  void framesUnderWayWhenTheClockHasStoppedAreDropped() {
    clock.shutdownNow();
    for (LinkConditions conditions :
        List.of(
            LinkConditions.seeded(1).withReordering(1),
            LinkConditions.seeded(1).withDelay(Duration.ofSeconds(1)))) {
      dropped = 0;
      Conditioner conditioner = new Conditioner(conditions, () -> clock, 100, this);
      conditioner.pass(0, new byte[] {1}, 1);
      assertThat(dropped).isEqualTo(1);
    }
    assertThat(delivered).isEmpty();
  }
}
