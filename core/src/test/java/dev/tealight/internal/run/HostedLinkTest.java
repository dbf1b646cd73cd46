// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.ExitKind;
import dev.tealight.ReadinessSource;
import dev.tealight.RunResult;
import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import dev.tealight.device.PciBus;
import dev.tealight.fake.FakeTime;
import dev.tealight.fake.FakeVcpu;
import dev.tealight.fake.FakeVm;
import dev.tealight.internal.run.RunLoop.Step;
import dev.tealight.spi.HypercallConvention;
import dev.tealight.spi.Platform;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A guest whose interrupts the hypervisor delivers. */
@Timeout(30)
class HostedLinkTest {

  /** Says which descriptors are waited for, and never that one is ready. */
  private static final class Descriptors implements Waiter {
    private final BlockingQueue<List<Integer>> waits = new LinkedBlockingQueue<>();
    private volatile long nextDeadlineNanos;
    private boolean woken;

    @Override
    public synchronized void await(
        TimeSource time, long deadlineNanos, List<ReadinessSource> sources) {
      nextDeadlineNanos = deadlineNanos;
      waits.add(sources.stream().map(ReadinessSource::descriptor).toList());
      try {
        while (!woken) {
          wait();
        }
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      woken = false;
    }

    @Override
    public synchronized void wake() {
      woken = true;
      notifyAll();
    }

    @Override
    public void close() {}
  }

  /** A descriptor. */
  private record Source(int descriptor) implements ReadinessSource {
    @Override
    public boolean isReady() {
      return false;
    }
  }

  /** Delivers nothing itself. */
  private static final class Chips implements Platform {
    private final List<String> polls = new ArrayList<>();
    private final List<ReadinessSource> open = new ArrayList<>();

    @Override
    public PciBus pci() {
      throw new AssertionError("no device comes");
    }

    @Override
    public boolean hasInterrupt() {
      throw new AssertionError("the hypervisor has the controller");
    }

    @Override
    public int acknowledgeInterrupt() {
      throw new AssertionError("the hypervisor has the controller");
    }

    @Override
    public long nextEventNanos() {
      throw new AssertionError("the hypervisor has the timer");
    }

    @Override
    public void poll(boolean halted) {
      polls.add(halted ? "halted" : "running");
    }

    @Override
    public boolean takesFrom(ReadinessSource source) {
      return open.contains(source);
    }
  }

  private final List<ReadinessSource> sources =
      List.of(new Source(10), new Source(11), new Source(12));
  private final Descriptors descriptors = new Descriptors();
  private final Chips chips = new Chips();
  private final FakeVcpu vcpu = new FakeVcpu();
  private final AtomicInteger kicks = new AtomicInteger();
  private final AtomicBoolean queued = new AtomicBoolean();
  private final ReadinessSource queue = queued::get;
  private final CompletableFuture<Throwable> failure = new CompletableFuture<>();
  private final FakeTime time = new FakeTime();
  private final Watch watch =
      new Watch(descriptors, time, sources, vcpu::kick, failure::complete, "watch-test");
  private final RunLoop loop =
      new RunLoop(
          vcpu,
          new FakeVm(4096).memory(),
          new HandlerTable(),
          HypercallConvention.NONE,
          time,
          time,
          Duration.ZERO,
          new HostedLink(chips, watch, kicks::incrementAndGet, sources, List.of(queue)),
          () -> {});

  @AfterEach
  void closeWatch() {
    watch.close();
    assertThat(failure).isNotDone();
  }

  private List<Integer> nextWait() throws InterruptedException {
    List<Integer> next = descriptors.waits.poll(20, TimeUnit.SECONDS);
    if (next == null) {
      throw new AssertionError("nothing is waited for");
    }
    return next;
  }

  @Test
  void haltThatComesOutEndsTheRun() {
    vcpu.guest = exit -> exit.event(ExitKind.HALT, 0, 0);
    assertThat(loop.step()).isEqualTo(Step.ENDED);
    assertThat(loop.result()).isEqualTo(new RunResult.Halted(0));
  }

  @Test
  void devicesArePolledAfterEachKick() {
    assertThat(loop.step()).isEqualTo(Step.READY);
    assertThat(loop.step()).isEqualTo(Step.READY);
    assertThat(chips.polls).containsExactly("running", "running");
    assertThat(descriptors.waits).isEmpty();
  }

  @Test
  void queueThatHasMoreThanWasTakenKicksOnceAndThenLetsTheGuestGetOn() throws InterruptedException {
    chips.open.add(queue);
    assertThat(loop.step()).isEqualTo(Step.READY);
    assertThat(kicks).as("an empty queue").hasValue(0);
    queued.set(true);
    assertThat(loop.step()).isEqualTo(Step.READY);
    assertThat(kicks).hasValue(1);
    assertThat(loop.step()).isEqualTo(Step.READY);
    assertThat(kicks).hasValue(1);
    assertThat(nextWait()).isEmpty();
    assertThat(descriptors.nextDeadlineNanos).isEqualTo(time.monotonicNanos + 1_000_000);
    queued.set(false);
    assertThat(loop.step()).isEqualTo(Step.READY);
    queued.set(true);
    assertThat(loop.step()).isEqualTo(Step.READY);
    assertThat(kicks).hasValue(2);
  }

  @Test
  void queueForWhichThereIsNoRoomDoesNotKick() {
    queued.set(true);
    assertThat(loop.step()).isEqualTo(Step.READY);
    assertThat(loop.step()).isEqualTo(Step.READY);
    assertThat(kicks).hasValue(0);
  }

  @Test
  void whatHasRoomIsWaitedForAsTheGuestGivesAndTakesIt() throws InterruptedException {
    chips.open.add(sources.get(1));
    assertThat(loop.step()).isEqualTo(Step.READY);
    assertThat(nextWait()).containsExactly(11);
    chips.open.add(sources.get(2));
    vcpu.guest = // an access, behind which there is no more room
        exit -> {
          vcpu.guest = next -> next.event(ExitKind.INTERRUPTED, 0, 0);
          chips.open.clear();
          return exit.access(ExitKind.IO_WRITE, 0x80, 1, 0);
        };
    assertThat(loop.step()).isEqualTo(Step.READY);
    List<Integer> now = nextWait();
    while (!now.isEmpty()) { // both, unless it was late
      assertThat(now).containsExactly(11, 12);
      now = nextWait();
    }
  }
}
