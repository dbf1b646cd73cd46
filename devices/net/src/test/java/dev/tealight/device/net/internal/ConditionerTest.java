// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.device.net.LinkConditions;
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
  private final CountDownLatch tick = new CountDownLatch(1);
  private final ScheduledThreadPoolExecutor clock = new ScheduledThreadPoolExecutor(1);

  ConditionerTest() {
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
  public void drop() {}

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

  @Test
  void closedConditionerLosesWhatIsUnderWay() throws InterruptedException {
    Conditioner conditioner =
        new Conditioner(LinkConditions.seeded(1).withReordering(1), () -> clock, 100, this);
    conditioner.pass(0, new byte[] {1}, 1);
    conditioner.close();
    tick.countDown();
    CountDownLatch later = new CountDownLatch(1);
    var _ = clock.schedule(later::countDown, 40, TimeUnit.MILLISECONDS);
    later.await();
    assertThat(delivered).isEmpty();
  }
}
