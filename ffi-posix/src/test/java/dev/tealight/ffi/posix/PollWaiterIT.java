// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tealight.ReadinessSource;
import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Waiting on a real kernel. */
@Timeout(60)
class PollWaiterIT {
  private static final TimeSource TIME = TimeSource.system();
  private static final long LONG = Duration.ofSeconds(30).toNanos();

  private HostCalls host;
  private Waiter waiter;

  @BeforeEach
  void create() {
    assumeTrue(
        System.getProperty("os.name").equals("Linux")
            && System.getProperty("os.arch").equals("amd64"),
        "needs Linux on amd64");
    host = HostCalls.system();
    waiter = new PollWaiter(host);
  }

  @AfterEach
  void close() {
    if (waiter != null) {
      waiter.close();
    }
  }

  private long waited(long nanos, List<ReadinessSource> sources) {
    long start = System.nanoTime();
    waiter.await(TIME, nanos == Waiter.NO_DEADLINE ? nanos : start + nanos, sources);
    return System.nanoTime() - start;
  }

  private static ReadinessSource polling(int descriptor) {
    return new ReadinessSource() {
      @Override
      public boolean isReady() {
        return false;
      }

      @Override
      public int descriptor() {
        return descriptor;
      }
    };
  }

  @Test
  void deadlineEndsAWaitAndNotBefore() {
    assertThat(waited(20_000_000, List.of())).isBetween(20_000_000L, LONG);
  }

  @Test
  void deadlineThatHasPassedDoesNotWait() {
    assertThat(waited(0, List.of())).isLessThan(LONG);
  }

  @Test
  void wakeBeforeAWaitEndsIt() {
    waiter.wake();
    waiter.wake();
    assertThat(waited(Waiter.NO_DEADLINE, List.of())).isLessThan(LONG);
  }

  @Test
  void wakesAreUsedUpByOneWait() {
    waiter.wake();
    waiter.wake();
    waited(LONG, List.of());
    assertThat(waited(20_000_000, List.of())).isGreaterThanOrEqualTo(20_000_000L);
  }

  @Test
  void wakesDuringAWaitAreUsedUpByIt() {
    AtomicInteger polls = new AtomicInteger();
    PollWaiter[] self = new PollWaiter[1];
    HostCalls waking =
        telling(
            "ppoll",
            () -> {
              if (polls.incrementAndGet() == 1) {
                self[0].wake();
                self[0].wake();
              }
            });
    try (PollWaiter used = new PollWaiter(waking)) {
      self[0] = used;
      used.await(TIME, Waiter.NO_DEADLINE, List.of());
      assertThat(polls).hasValue(1);
      long deadline = System.nanoTime() + 20_000_000;
      used.await(TIME, deadline, List.of());
      assertThat(System.nanoTime()).isGreaterThanOrEqualTo(deadline);
    }
  }

  @Test
  void wakeCallsTheHostOnlyIfAThreadWaits() {
    AtomicInteger writes = new AtomicInteger();
    try (PollWaiter used = new PollWaiter(telling("write", writes::incrementAndGet))) {
      used.wake();
      used.await(TIME, Waiter.NO_DEADLINE, List.of());
      used.wake();
      assertThat(writes).hasValue(0);
    }
  }

  @Test
  void wakeFromAnotherThreadEndsAWait() throws InterruptedException {
    Thread other = Thread.ofPlatform().start(waiter::wake);
    waited(Waiter.NO_DEADLINE, List.of());
    other.join();
  }

  @Test
  void signalDoesNotEndAWait() throws InterruptedException {
    KickSignal.install(host);
    int thread = (int) host.gettid();
    AtomicBoolean ended = new AtomicBoolean();
    CountDownLatch signalled = new CountDownLatch(1);
    Thread other =
        Thread.ofPlatform()
            .start(
                () -> {
                  while (!ended.get()) {
                    host.tgkill(thread, KickSignal.NUMBER);
                    signalled.countDown();
                    LockSupport.parkNanos(100_000); // else they could come faster than they go
                  }
                });
    signalled.await();
    assertThat(waited(50_000_000, List.of())).isGreaterThanOrEqualTo(50_000_000L);
    ended.set(true);
    other.join();
  }

  @Test
  void readableDescriptorEndsAWait() {
    try (Arena arena = Arena.ofConfined();
        Descriptor silent = Descriptor.event(host);
        Descriptor event = Descriptor.event(host)) {
      List<ReadinessSource> sources = List.of(polling(silent.number()), polling(event.number()));
      assertThat(waited(1_000_000, sources)).isGreaterThanOrEqualTo(1_000_000L);
      event.write(arena.allocateFrom(ValueLayout.JAVA_LONG, 1));
      waited(Waiter.NO_DEADLINE, sources);
    }
  }

  @Test
  void sourceWithInputIsToldSoAndOthersAreNot() {
    AtomicInteger told = new AtomicInteger();
    AtomicInteger silentTold = new AtomicInteger();
    try (Arena arena = Arena.ofConfined();
        Descriptor silent = Descriptor.event(host);
        Descriptor event = Descriptor.event(host)) {
      List<ReadinessSource> sources =
          List.of(counting(silent.number(), silentTold), counting(event.number(), told));
      waiter.wake();
      waited(Waiter.NO_DEADLINE, sources);
      assertThat(told).hasValue(0);
      event.write(arena.allocateFrom(ValueLayout.JAVA_LONG, 1));
      waited(Waiter.NO_DEADLINE, sources);
      assertThat(told).hasValue(1);
      assertThat(silentTold).hasValue(0);
    }
  }

  private static ReadinessSource counting(int descriptor, AtomicInteger polls) {
    return new ReadinessSource() {
      @Override
      public boolean isReady() {
        return polls.get() > 0;
      }

      @Override
      public int descriptor() {
        return descriptor;
      }

      @Override
      public void polled() {
        polls.incrementAndGet();
      }
    };
  }

  @Test
  void sourcesMayBeManyAndChange() {
    try (Arena arena = Arena.ofConfined();
        Descriptor event = Descriptor.event(host)) {
      event.write(arena.allocateFrom(ValueLayout.JAVA_LONG, 1));
      List<ReadinessSource> ready = List.of(polling(event.number()));
      List<ReadinessSource> many = IntStream.range(0, 100).mapToObj(i -> polling(-1)).toList();
      List<ReadinessSource> manyAndReady = Stream.concat(many.stream(), ready.stream()).toList();
      waited(Waiter.NO_DEADLINE, ready);
      assertThat(waited(1_000_000, many)).isGreaterThanOrEqualTo(1_000_000L);
      waited(Waiter.NO_DEADLINE, manyAndReady);
      waited(Waiter.NO_DEADLINE, ready);
    }
  }

  /** A number that nobody has open is an error that stays. */
  @Test
  void descriptorInErrorWhoseSourceIsNotReadyDoesNotSpin() {
    List<ReadinessSource> sources = List.of(polling(Integer.MAX_VALUE));
    long end = System.nanoTime() + 350_000_000;
    int returns = 0;
    while (System.nanoTime() < end) {
      waiter.await(TIME, end, sources);
      returns++;
    }
    // At once, then ten times a second, and at the deadline.
    assertThat(returns).isLessThanOrEqualTo(5);
  }

  @Test
  void descriptorInErrorHidesNoOther() {
    try (Arena arena = Arena.ofConfined();
        Descriptor event = Descriptor.event(host)) {
      List<ReadinessSource> sources = List.of(polling(Integer.MAX_VALUE), polling(event.number()));
      waited(Waiter.NO_DEADLINE, sources);
      event.write(arena.allocateFrom(ValueLayout.JAVA_LONG, 1));
      for (int i = 0; i < 1000; i++) { // muted or not, each wait ends
        waited(Waiter.NO_DEADLINE, sources);
      }
    }
  }

  /** The real kernel, which tells of calls. */
  private HostCalls telling(String call, Runnable made) {
    HostCalls real = host;
    return (HostCalls)
        Proxy.newProxyInstance(
            HostCalls.class.getClassLoader(),
            new Class<?>[] {HostCalls.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals(call)) {
                made.run();
              }
              return method.invoke(real, arguments);
            });
  }

  @Test
  void onlyShortWaitsAskForPunctuality() {
    AtomicInteger asked = new AtomicInteger();
    try (Arena arena = Arena.ofConfined();
        Descriptor event = Descriptor.event(host);
        PollWaiter used = new PollWaiter(telling("setTimerSlack", asked::incrementAndGet))) {
      event.write(arena.allocateFrom(ValueLayout.JAVA_LONG, 1));
      List<ReadinessSource> ready = List.of(polling(event.number()));
      used.await(TIME, System.nanoTime() + LONG, ready);
      assertThat(asked).hasValue(0);
      used.await(PollWaiterTest.STILL, 9_000_000, ready);
      assertThat(asked).hasValue(2);
    }
  }

  @Test
  void closeDuringAWaitIsRefusedAndHarmless() throws InterruptedException {
    CountDownLatch polling = new CountDownLatch(1);
    // Tells when the wait has begun.
    PollWaiter used = new PollWaiter(telling("ppoll", polling::countDown));
    Thread waiting =
        Thread.ofPlatform().start(() -> used.await(TIME, Waiter.NO_DEADLINE, List.of()));
    polling.await();
    assertThatThrownBy(used::close)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("a thread waits here");
    used.wake();
    waiting.join();
    used.close();
  }

  @Test
  void waitAfterCloseIsRefused() {
    waiter.close();
    assertThatThrownBy(() -> waiter.await(TIME, Waiter.NO_DEADLINE, List.of()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the waiter is closed");
  }

  @Test
  void threadIsAsPunctualAfterAWaitAsBefore() throws IOException {
    Path slack = Path.of("/proc/%d/timerslack_ns".formatted(host.gettid()));
    String before = Files.readString(slack);
    waited(1_000_000, List.of());
    assertThat(Files.readString(slack)).isEqualTo(before);
  }

  @Test
  void wakeAfterCloseDoesNothing() {
    waiter.close();
    waiter.close();
    assertThatCode(waiter::wake).doesNotThrowAnyException();
  }
}
