// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ConfigurationException;
import dev.tealight.HostCallException;
import dev.tealight.ReadinessSource;
import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import dev.tealight.fake.FakeTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What wakes a guest that sleeps where the monitor does not see it. */
@Timeout(30)
class WatchTest {

  /** Descriptors that are ready when a test says so, and stay so. */
  private static final class Poll implements Waiter {
    private final boolean[] ready = new boolean[40];
    private final boolean[] inError = new boolean[40];
    private long nextDeadlineNanos;
    private boolean woken;
    private boolean waiting;

    @Override
    public synchronized void await(
        TimeSource time, long deadlineNanos, List<ReadinessSource> sources) {
      waiting = true;
      nextDeadlineNanos = deadlineNanos;
      notifyAll();
      while (!woken && time.monotonicNanos() < deadlineNanos) {
        boolean any = false;
        for (ReadinessSource source : sources) {
          if (inError[source.descriptor()]) {
            any = true;
            assertThat(source.isReady()).isFalse();
          } else if (ready[source.descriptor()]) {
            any = true;
            source.polled();
          }
        }
        if (any) {
          break;
        }
        sleep();
      }
      woken = false;
      waiting = false;
    }

    /** Callers look again. */
    @SuppressWarnings("WaitNotInLoop")
    private void sleep() {
      try {
        wait();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }

    synchronized void ready(int descriptor, boolean is) {
      ready[descriptor] = is;
      notifyAll();
    }

    @Override
    public synchronized void wake() {
      woken = true;
      notifyAll();
    }

    /** Moves a clock to the deadline of the wait that is under way. */
    synchronized void waitIsOver(FakeTime time) {
      settle();
      time.monotonicNanos = nextDeadlineNanos;
      notifyAll();
    }

    synchronized long deadlineNanos() {
      settle();
      return nextDeadlineNanos;
    }

    /** Until all that was told it is used up. */
    synchronized void settle() {
      while (woken || !waiting) {
        sleep();
      }
    }

    @Override
    public void close() {}
  }

  private static ReadinessSource source(int descriptor) {
    return new ReadinessSource() {
      @Override
      public boolean isReady() {
        throw new AssertionError("it belongs to the vCPU thread");
      }

      @Override
      public int descriptor() {
        return descriptor;
      }
    };
  }

  private final Poll poll = new Poll();
  private final Semaphore rings = new Semaphore(0);
  private final FakeTime time = new FakeTime();
  private final CompletableFuture<Throwable> failure = new CompletableFuture<>();

  @AfterEach
  void watchDidNotFail() {
    assertThat(failure).isNotDone();
  }

  private Watch watch(int count) {
    List<ReadinessSource> sources = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      sources.add(source(i));
    }
    return new Watch(poll, time, sources, rings::release, failure::complete, "watch-test");
  }

  private void assertRings() throws InterruptedException {
    assertThat(rings.tryAcquire(20, TimeUnit.SECONDS)).isTrue();
  }

  private void assertSilent() {
    poll.settle();
    assertThat(rings.availablePermits()).isZero();
  }

  @Test
  void inputThatStaysRingsOnceEachTimeItIsSet() throws InterruptedException {
    try (Watch watch = watch(2)) {
      watch.set(1);
      assertSilent();
      poll.ready(0, true);
      assertRings();
      assertSilent();
      for (int i = 0; i < 100; i++) {
        watch.set(1);
        assertRings();
        assertSilent();
      }
    }
  }

  @Test
  void descriptorInErrorRingsTenTimesASecondHoweverOftenItIsSet() throws InterruptedException {
    poll.inError[0] = true;
    try (Watch watch = watch(2)) {
      for (int second = 0; second < 10; second++) {
        long start = time.monotonicNanos;
        watch.set(1);
        assertRings();
        for (int i = 0; i < 10; i++) {
          watch.set(i & 2);
          watch.set(1);
          assertSilent();
        }
        poll.waitIsOver(time);
        assertRings();
        assertThat(time.monotonicNanos - start).isEqualTo(100_000_000);
        watch.set(0);
        poll.waitIsOver(time);
      }
    }
  }

  @Test
  void descriptorInErrorHidesNoOther() throws InterruptedException {
    poll.inError[0] = true;
    try (Watch watch = watch(2)) {
      watch.set(3);
      assertRings();
      watch.set(3);
      assertSilent();
      poll.ready(1, true);
      assertRings();
    }
  }

  @Test
  void whatIsToRingSoonRingsOnceAMillisecondLater() throws InterruptedException {
    try (Watch watch = watch(1)) {
      watch.set(Watch.SOON);
      assertSilent();
      assertThat(poll.deadlineNanos()).isEqualTo(time.monotonicNanos + 1_000_000);
      poll.waitIsOver(time);
      assertRings();
      assertThat(poll.deadlineNanos()).isEqualTo(Waiter.NO_DEADLINE);
      assertSilent();
    }
  }

  @Test
  void whatIsNotSetDoesNotRing() throws InterruptedException {
    try (Watch watch = watch(31)) {
      poll.ready(0, true);
      watch.set(1 << 30 | 2);
      assertSilent();
      poll.ready(30, true);
      assertRings();
      watch.set(2);
      assertSilent();
      watch.set(0);
      poll.ready(1, true);
      assertSilent();
      watch.set(2);
      assertRings();
    }
  }

  @Test
  void sameSetSetAgainDoesNotRingBecauseItWasSet() {
    try (Watch watch = watch(1)) {
      for (int i = 0; i < 1_000; i++) {
        watch.set(i & 1);
        watch.set(1);
      }
      assertSilent();
    }
  }

  @Test
  void inputBeforeItIsSetRings() throws InterruptedException {
    poll.ready(0, true);
    try (Watch watch = watch(1)) {
      watch.set(1);
      assertRings();
    }
  }

  @Test
  void noThreadIsStartedForNothing() {
    try (Watch watch = watch(1)) {
      watch.set(0);
      assertThat(Thread.getAllStackTraces().keySet())
          .extracting(Thread::getName)
          .doesNotContain("watch-test");
    }
  }

  @Test
  void moreDescriptorsThanCanBeToldApartAreRefused() {
    assertThatThrownBy(() -> watch(32))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("devices wait for 32 descriptors, at most 31 can be watched");
  }

  @Test
  void watchThatCannotWaitSaysSo() throws Exception {
    HostCallException enomem = new HostCallException("ppoll", 12, "ENOMEM", "");
    CompletableFuture<Throwable> told = new CompletableFuture<>();
    Waiter broken =
        new Waiter() {
          @Override
          public void await(TimeSource time, long deadlineNanos, List<ReadinessSource> sources) {
            throw enomem;
          }

          @Override
          public void wake() {}

          @Override
          public void close() {}
        };
    try (Watch watch =
        new Watch(
            broken,
            TimeSource.system(),
            Collections.singletonList(source(0)),
            () -> {},
            told::complete,
            "watch-test")) {
      watch.set(1);
      assertThat(told.get(20, TimeUnit.SECONDS)).isSameAs(enomem);
    }
  }
}
