// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ConfigurationException;
import dev.tealight.HostCallException;
import dev.tealight.ReadinessSource;
import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What wakes a guest that sleeps where the monitor does not see it. */
@Timeout(30)
class WatchTest {

  /** Descriptors that are ready when a test says so, and stay so. */
  private static final class Poll implements Waiter {
    private final boolean[] ready = new boolean[40];
    private boolean inError;
    private boolean woken;
    private boolean waiting;

    @Override
    public synchronized void await(
        TimeSource time, long deadlineNanos, List<ReadinessSource> sources) {
      waiting = true;
      notifyAll();
      while (!woken) {
        boolean any = false;
        for (ReadinessSource source : sources) {
          if (ready[source.descriptor()]) {
            any = true;
            if (inError) {
              assertThat(source.isReady()).isFalse();
            } else {
              source.polled();
            }
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

  private Watch watch(int count) {
    List<ReadinessSource> sources = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      sources.add(source(i));
    }
    return new Watch(
        poll, TimeSource.system(), sources, rings::release, WatchTest::unexpected, "watch-test");
  }

  private static void unexpected(Throwable failure) {
    throw new AssertionError(failure);
  }

  private void assertRings() throws InterruptedException {
    assertThat(rings.tryAcquire(20, TimeUnit.SECONDS)).isTrue();
  }

  private void assertSilent() {
    poll.settle();
    assertThat(rings.availablePermits()).isZero();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void inputThatStaysRingsOnceEachTimeItIsSet(boolean inError) throws InterruptedException {
    poll.inError = inError;
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
  void whatIsNotSetDoesNotRing() throws InterruptedException {
    try (Watch watch = watch(32)) {
      poll.ready(0, true);
      watch.set(1 << 31 | 2);
      assertSilent();
      poll.ready(31, true);
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
      assertThat(poll.waiting).isFalse();
    }
  }

  @Test
  void moreDescriptorsThanCanBeToldApartAreRefused() {
    assertThatThrownBy(() -> watch(33))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("devices wait for 33 descriptors, at most 32 can be watched");
  }

  @Test
  void watchThatCannotWaitSaysSo() throws Exception {
    HostCallException failure = new HostCallException("ppoll", 12, "ENOMEM", "");
    CompletableFuture<Throwable> told = new CompletableFuture<>();
    Waiter broken =
        new Waiter() {
          @Override
          public void await(TimeSource time, long deadlineNanos, List<ReadinessSource> sources) {
            throw failure;
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
      assertThat(told.get(20, TimeUnit.SECONDS)).isSameAs(failure);
    }
  }
}
