// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.GuestAccessException;
import dev.tealight.GuestMemory;
import dev.tealight.ReadinessSource;
import dev.tealight.RunResult;
import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import dev.tealight.device.GuestCall;
import dev.tealight.device.Outcome;
import dev.tealight.fake.FakeTime;
import dev.tealight.spi.Doorbells;
import dev.tealight.spi.SharedWork;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who does the work that a guest rings for. */
@Timeout(120)
class DoorbellServerTest {
  private static final int PORT = 0x600;
  private static final int QUICK = 16;

  private final Work work = new Work();
  private final Host host = new Host();
  private final CompletableFuture<String> fault = new CompletableFuture<>();
  private final CompletableFuture<Throwable> failure = new CompletableFuture<>();
  private final FakeTime time = new FakeTime();
  private final Ring ring = new Ring(time);
  private final List<Thread> threads = new CopyOnWriteArrayList<>();
  private DoorbellServer server = server(Optional.of(host));

  private DoorbellServer server(Optional<Doorbells> doorbells) {
    return server(
        doorbells,
        task -> {
          Thread thread = new Thread(task);
          threads.add(thread);
          return thread;
        });
  }

  private DoorbellServer server(Optional<Doorbells> doorbells, ThreadFactory threads) {
    return new DoorbellServer(
        PORT,
        "a bell",
        threads,
        work,
        doorbells,
        () -> host,
        new DoorbellServer.Listener() {
          @Override
          public void fault(String reason) {
            fault.complete(reason);
          }

          @Override
          public void fail(Throwable cause) {
            failure.complete(cause);
          }
        });
  }

  @AfterEach
  void close() {
    server.close();
  }

  private static final class Work implements SharedWork {
    final AtomicInteger left = new AtomicInteger();
    final Semaphore done = new Semaphore(0);
    volatile Thread by = Thread.currentThread();
    volatile @Nullable RuntimeException trouble;
    volatile boolean wanted;
    volatile boolean hold;

    @Override
    public boolean isPending() {
      while (hold) {
        Thread.onSpinWait();
      }
      return left.get() > 0;
    }

    @Override
    public boolean serve() {
      RuntimeException thrown = trouble;
      if (thrown != null) {
        throw thrown;
      }
      by = Thread.currentThread();
      if (left.get() > 0) {
        left.getAndDecrement();
        done.release();
      }
      return left.get() > 0;
    }

    @Override
    public void wantDoorbell(boolean wanted) {
      this.wanted = wanted;
    }
  }

  /** A host whose doorbell is rung by the test. */
  private static final class Host implements Doorbells, Waiter {
    final Semaphore rings = new Semaphore(0);
    final AtomicInteger bells = new AtomicInteger();
    final Semaphore closings = new Semaphore(0);
    final Semaphore sleeps = new Semaphore(0);
    private boolean open; // guarded by this

    @Override
    public Doorbell onPort(int port) {
      assertThat(port).isEqualTo(PORT);
      bells.getAndIncrement();
      open(true);
      return new Doorbell() {
        @Override
        public int descriptor() {
          return 7;
        }

        @Override
        public void acknowledge() {
          rings.drainPermits();
        }

        @Override
        public void close() {
          open(false);
          closings.release();
        }
      };
    }

    private synchronized void open(boolean now) {
      open = now;
    }

    /** Rings the doorbell, if there is one; else the ring leaves guest mode. */
    synchronized boolean ring() {
      if (open) {
        rings.release();
      }
      return open;
    }

    @Override
    public void await(TimeSource time, long deadlineNanos, List<ReadinessSource> sources) {
      assertThat(sources).singleElement().extracting(ReadinessSource::descriptor).isEqualTo(7);
      sleeps.release();
      rings.acquireUninterruptibly();
    }

    @Override
    public void wake() {
      rings.release();
    }

    @Override
    public void close() {
      closings.release();
    }
  }

  /** A ring that left guest mode. */
  private static final class Ring implements GuestCall {
    final ExitFrame exit = new ExitFrame();
    private final FakeTime time;
    int waits;
    String faulted = "";

    Ring(FakeTime time) {
      this.time = time;
      exit.access(ExitKind.IO_WRITE, PORT, 4, 0);
    }

    @Override
    public GuestMemory memory() {
      return GuestMemory.over(MemorySegment.ofArray(new byte[0]));
    }

    @Override
    public TimeSource time() {
      return time;
    }

    @Override
    public ExitFrame exit() {
      return exit;
    }

    @Override
    public long argument() {
      return 0;
    }

    @Override
    public Outcome waitFor(long deadlineNanos, List<ReadinessSource> sources) {
      waits++;
      return Outcome.WAIT;
    }

    @Override
    public Outcome end(RunResult result) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Outcome fault(String reason) {
      faulted = reason;
      return Outcome.END;
    }
  }

  @Test
  void withoutDoorbellsTheGuestsThreadWorksAndLooksUpInBetween() {
    server = server(Optional.empty());
    work.left.set(3);
    assertThat(work.wanted).isTrue();
    assertThat(server.handle(ring)).isEqualTo(Outcome.WAIT);
    assertThat(server.resume(ring)).isEqualTo(Outcome.WAIT);
    assertThat(server.resume(ring)).isEqualTo(Outcome.CONTINUE);
    assertThat(ring.waits).isEqualTo(2);
    assertThat(work.by).isSameAs(Thread.currentThread());
    assertThat(work.wanted).isTrue();
  }

  /** Rings as often as it takes to start the thread, without work. */
  private void ringQuickly() {
    for (int i = 0; i < QUICK; i++) {
      assertThat(host.bells).hasValue(0);
      assertThat(server.handle(ring)).isEqualTo(Outcome.CONTINUE);
    }
    assertThat(host.bells).hasValue(1);
  }

  private void awaitWork() throws InterruptedException {
    assertThat(work.done.tryAcquire(60, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void ringsNowAndThenAreServedByTheGuestsThread() {
    for (int i = 0; i < 100; i++) {
      time.monotonicNanos += 50_000;
      work.left.set(1);
      assertThat(server.handle(ring)).isEqualTo(Outcome.CONTINUE);
      assertThat(work.left).hasValue(0);
      assertThat(work.by).isSameAs(Thread.currentThread());
    }
    assertThat(host.bells).hasValue(0);
    assertThat(work.wanted).isTrue();
  }

  @Test
  void hostWithoutThreadsHasTheGuestsThreadWorkAndFreesTheDoorbell() {
    server =
        server(
            Optional.of(host),
            task ->
                new Thread(task) {
                  @Override
                  public void start() {
                    throw new OutOfMemoryError("unable to create native thread");
                  }
                });
    for (int i = 0; i < 3 * QUICK; i++) {
      work.left.set(1);
      assertThat(server.handle(ring)).isEqualTo(Outcome.CONTINUE);
      assertThat(work.left).hasValue(0);
    }
    assertThat(host.bells).as("doorbells, asked for once").hasValue(1);
    assertThat(host.closings.availablePermits()).as("doorbell and waiter").isEqualTo(2);
    assertThat(work.wanted).isTrue();
  }

  @Test
  void ringsInQuickSuccessionStartAThreadThatWorks() throws InterruptedException {
    work.left.set(1000);
    work.hold = true; // until the guest's thread has done its part
    for (int i = 0; i < QUICK; i++) {
      assertThat(server.handle(ring)).isEqualTo(Outcome.WAIT);
    }
    assertThat(host.bells).hasValue(1);
    work.hold = false;
    work.done.acquire(1000);
    assertThat(work.by).isNotSameAs(Thread.currentThread());
  }

  @Test
  void threadThatIsWokenForLittleEndsInTimeAndRingsAreServedByTheGuestsThreadAgain()
      throws InterruptedException {
    ringQuickly();
    Thread thread = threads.getFirst();
    do {
      boolean _ = host.ring();
    } while (!thread.join(Duration.ofMillis(1)));
    assertThat(host.closings.availablePermits()).as("doorbell and waiter").isEqualTo(2);
    assertThat(work.wanted).isTrue();
    work.left.set(1);
    assertThat(server.handle(ring)).isEqualTo(Outcome.CONTINUE);
    assertThat(work.by).isSameAs(Thread.currentThread());
  }

  @Test
  void threadThatFoundNothingOnceStaysAndIsWokenByTheDoorbell() throws InterruptedException {
    ringQuickly();
    host.sleeps.acquire();
    work.left.set(1);
    assertThat(host.ring()).isTrue();
    awaitWork();
    assertThat(work.by).isSameAs(threads.getFirst());
    assertThat(host.closings.availablePermits()).as("what was closed").isZero();
  }

  /** As a guest would: leaves work, then rings if it is asked to. */
  @Test
  void noWorkIsForgottenWhileThreadsComeSleepAndGo() throws InterruptedException {
    for (int i = 0; i < 20_000; i++) {
      work.left.getAndIncrement();
      if (work.wanted && !host.ring()) {
        assertThat(server.handle(ring)).isEqualTo(Outcome.CONTINUE);
      }
      awaitWork();
    }
    assertThat(host.bells.get()).isPositive();
  }

  /** Lets the thread find enough work to be worth its while. */
  private void startAndLetSleep() throws InterruptedException {
    work.left.set(1000);
    for (int i = 0; i < QUICK; i++) {
      Outcome _ = server.handle(ring);
    }
    work.done.acquire(1000);
  }

  @Test
  void breachOfTheGuestIsToldByTheThread() throws Exception {
    ringQuickly(() -> work.trouble = new GuestAccessException("too much"));
    assertThat(fault.get(60, TimeUnit.SECONDS)).isEqualTo("a bell: too much");
    assertThat(failure).isNotDone();
  }

  @Test
  void failureOfTheHostIsToldByTheThread() throws Exception {
    IllegalStateException broken = new IllegalStateException("broken");
    ringQuickly(() -> work.trouble = broken);
    assertThat(failure.get(60, TimeUnit.SECONDS)).isSameAs(broken);
    assertThat(fault).isNotDone();
  }

  /** Starts the thread, which is held up until something is to be done and cannot be. */
  private void ringQuickly(Runnable trouble) {
    work.hold = true;
    ringQuickly();
    trouble.run();
    work.left.set(1);
    work.hold = false;
  }

  @Test
  void settlingDoesAllThatIsLeft() {
    server = server(Optional.empty());
    work.left.set(5);
    server.settle();
    assertThat(work.left).hasValue(0);
  }

  @Test
  void breachFoundWhileSettlingIsTold() {
    work.trouble = new GuestAccessException("too much");
    server.settle();
    assertThat(fault).isCompletedWithValue("a bell: too much");
  }

  @Test
  void accessOfAnotherKindIsAFault() {
    ring.exit.access(ExitKind.IO_WRITE, PORT, 2, 0);
    assertThat(server.handle(ring)).isEqualTo(Outcome.END);
    assertThat(ring.faulted).contains("which nobody serves: a bell is rung by a write of 4 bytes");
    ring.exit.access(ExitKind.IO_READ, PORT, 4, 0);
    assertThat(server.handle(ring)).isEqualTo(Outcome.END);
    assertThat(host.bells).hasValue(0);
  }

  @Test
  void closingEndsTheThreadAndFreesTheDoorbellOnce() throws InterruptedException {
    startAndLetSleep();
    server.close();
    server.close();
    assertThat(host.closings.availablePermits()).isEqualTo(2); // the doorbell and the waiter
    assertThat(threads).isNotEmpty().noneMatch(Thread::isAlive);
  }

  @Test
  void interruptOfWhoClosesIsKept() throws InterruptedException {
    startAndLetSleep();
    Thread.currentThread().interrupt();
    server.close();
    assertThat(Thread.interrupted()).isTrue();
  }
}
