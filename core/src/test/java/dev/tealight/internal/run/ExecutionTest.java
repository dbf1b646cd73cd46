// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchException;

import dev.tealight.ExitKind;
import dev.tealight.Image;
import dev.tealight.ReadinessSource;
import dev.tealight.RunResult;
import dev.tealight.Waiter;
import dev.tealight.fake.FakeBoot;
import dev.tealight.solo5.ImageBuilder;
import dev.tealight.solo5.Solo5Hvt;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A run on its thread. */
class ExecutionTest {

  private static class Deaf implements Execution.Listener {
    @Override
    public void started() {}

    @Override
    public void waiting(long deadlineNanos) {}

    @Override
    public void ended(RunResult result) {}

    @Override
    public void failed(Throwable cause) {}
  }

  @Test
  @Timeout(60)
  void limitAndTimeoutBeyondWhatNanosecondsCanCountAreNoLimit() throws InterruptedException {
    byte[] image = ImageBuilder.hello().build();
    try (FakeBoot boot = new FakeBoot(4 << 20).boot(image)) {
      boot.vcpu().guest = exit -> exit.access(ExitKind.IO_WRITE, 0x508, 4, 0x200000);
      Execution execution =
          new Execution(
              boot.loop(Solo5Hvt.open(Image.of("test", image))),
              Duration.ofSeconds(Long.MAX_VALUE),
              new Deaf(),
              timeout -> {});
      execution.start(Runnable::run);

      assertThat(execution.await(Duration.ofSeconds(Long.MAX_VALUE)))
          .contains(new RunResult.Halted(0));
    }
  }

  @Test
  @Timeout(60)
  void deadlineComesEvenIfTheCommonPoolIsBusy() throws InterruptedException {
    CountDownLatch end = new CountDownLatch(1);
    int more = 2 * ForkJoinPool.commonPool().getParallelism() + 1;
    for (int i = 0; i < more; i++) {
      ForkJoinPool.commonPool().execute(() -> awaitQuietly(end));
    }
    Duration limit = Duration.ofMillis(1);
    try (FakeBoot boot = new FakeBoot(4 << 20)) {
      Execution execution = new Execution(loop(boot), limit, new Deaf(), timeout -> {});
      execution.start(Runnable::run);
      assertThat(execution.result().orElseThrow()).isInstanceOf(RunResult.DeadlineExceeded.class);
    } finally {
      end.countDown();
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static RunLoop loop(FakeBoot boot) {
    return boot.loop(Solo5Hvt.open(Image.of("test", ImageBuilder.hello().build())));
  }

  @Test
  @Timeout(60)
  void guestsOwnThreadMayNotWaitForItself() throws Exception {
    CompletableFuture<Execution> itself = new CompletableFuture<>();
    List<Exception> refusals = new ArrayList<>();
    Deaf waitingForItself =
        new Deaf() {
          @Override
          public void ended(RunResult result) {
            refusals.add(catchException(() -> itself.join().pause()));
            refusals.add(catchException(() -> itself.join().stopAndJoin()));
          }
        };
    try (FakeBoot boot = new FakeBoot(4 << 20)) {
      Execution execution =
          new Execution(loop(boot), Duration.ofMillis(1), waitingForItself, timeout -> {});
      itself.complete(execution);
      execution.start(guest -> new Thread(guest).start());
      execution.await();
    }
    assertThat(refusals).hasSize(2).hasOnlyElementsOfType(IllegalStateException.class);
  }

  @Test
  @Timeout(60)
  void interruptOfOneWhoWaitsForAStuckGuestIsNotLost() throws Exception {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch stuck = new CountDownLatch(1);
    Deaf busy =
        new Deaf() {
          @Override
          public void started() {
            running.countDown();
            awaitQuietly(stuck);
          }
        };
    try (FakeBoot boot = new FakeBoot(4 << 20)) {
      Execution execution = new Execution(loop(boot), Duration.ZERO, busy, timeout -> {});
      execution.start(guest -> new Thread(guest).start());
      running.await();
      Thread.currentThread().interrupt();
      Exception thrown = catchException(() -> execution.awaitOrStop(Duration.ofMillis(1)));
      assertThat(Thread.interrupted()).isTrue();
      assertThat(thrown)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("its thread is still busy");
      assertThat(thrown.getSuppressed()).hasOnlyElementsOfType(InterruptedException.class);
      stuck.countDown();
      assertThat(execution.await()).isEqualTo(new RunResult.Stopped());
    }
  }

  @Test
  void anySourceThatIsWaitedForKnowsWhomToWake() {
    List<Waiter> known = new ArrayList<>();
    ReadinessSource source =
        new ReadinessSource() {
          @Override
          public boolean isReady() {
            return false;
          }

          @Override
          public void attach(Waiter waiter) {
            known.add(waiter);
          }
        };
    try (FakeBoot boot = new FakeBoot(4 << 20)) {
      RunLoop loop = loop(boot);
      List<ReadinessSource> sources = List.of(source);
      loop.waitFor(0, sources);
      loop.waitFor(0, sources);
    }
    assertThat(known).hasSize(1).doesNotContainNull();
  }
}
