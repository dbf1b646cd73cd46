// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.ReadinessSource;
import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Waiting for descriptors is left to somebody who can poll them. */
class SoftcpuWaiterTest {
  private static final TimeSource TIME = TimeSource.system();

  private record Source(int descriptor) implements ReadinessSource {
    @Override
    public boolean isReady() {
      return descriptor < 0;
    }
  }

  private static final List<ReadinessSource> DESCRIPTORS = List.of(new Source(3));
  private static final List<ReadinessSource> OTHERS = List.of(new Source(-1));

  /** Notes what it is asked for and never blocks. */
  private static final class Poller implements Waiter {
    final List<String> calls = new ArrayList<>();

    @Override
    public void await(TimeSource time, long deadlineNanos, List<ReadinessSource> sources) {
      calls.add("await " + deadlineNanos + " " + sources.size());
    }

    @Override
    public void wake() {
      calls.add("wake");
    }

    @Override
    public void close() {
      calls.add("close");
    }
  }

  private final Poller poller = new Poller();
  private int asked;

  private SoftcpuWaiter waiter(Optional<Waiter> found) {
    return new SoftcpuWaiter(
        () -> {
          asked++;
          return found;
        });
  }

  @Test
  void nobodyIsLookedForAsLongAsThereIsNoDescriptor() {
    try (SoftcpuWaiter waiter = waiter(Optional.of(poller))) {
      waiter.wake();
      waiter.await(TIME, Waiter.NO_DEADLINE, List.of());
      waiter.await(TIME, Waiter.NO_DEADLINE, OTHERS);
    }
    assertThat(asked).isZero();
    assertThat(poller.calls).isEmpty();
  }

  @Test
  void pollerWaitsFromTheFirstDescriptorOn() {
    try (SoftcpuWaiter waiter = waiter(Optional.of(poller))) {
      waiter.await(TIME, 5, DESCRIPTORS);
      waiter.wake();
      waiter.await(TIME, 7, List.of());
    }
    // The first wake-up is for whoever woke while there was no poller yet.
    assertThat(poller.calls).containsExactly("wake", "await 5 1", "wake", "await 7 0", "close");
    assertThat(asked).isEqualTo(1);
  }

  @Test
  void withoutAPollerItLooksItself() {
    try (SoftcpuWaiter waiter = waiter(Optional.empty())) {
      long deadline = TIME.deadlineAfter(2_000_000);
      waiter.await(TIME, deadline, DESCRIPTORS);
      assertThat(TIME.monotonicNanos()).isGreaterThanOrEqualTo(deadline);
      waiter.wake();
      waiter.await(TIME, Waiter.NO_DEADLINE, DESCRIPTORS);
    }
    assertThat(asked).isEqualTo(1);
  }
}
