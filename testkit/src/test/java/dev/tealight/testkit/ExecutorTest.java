// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ExitCounts;
import dev.tealight.Monitor;
import dev.tealight.MonitorObserver;
import dev.tealight.RunHandle;
import dev.tealight.RunResult;
import dev.tealight.RunResult.Stopped;
import dev.tealight.device.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The embedder's executors, the awkward ones too. */
@Timeout(60)
class ExecutorTest {
  private final List<String> events = new ArrayList<>();

  private Scripted guest(Executor executor) {
    return new Scripted(
        Scripted.callThenEnd(),
        builder ->
            builder
                .executor(executor)
                .hypercall(Scripted.CALL, "CALL", call -> Outcome.CONTINUE)
                .observer(
                    new MonitorObserver() {
                      @Override
                      public void started(Monitor monitor) {
                        events.add("started");
                      }

                      @Override
                      public void ended(Monitor monitor, RunResult result, ExitCounts exits) {
                        events.add("ended " + result);
                      }

                      @Override
                      public void failed(Monitor monitor, Throwable cause, ExitCounts exits) {
                        events.add("failed " + cause.getMessage());
                      }
                    }));
  }

  @Test
  void guestOnTheCallersThreadIsStoppedByAnotherThatCloses() throws InterruptedException {
    CountDownLatch running = new CountDownLatch(1);
    try (Scripted scripted =
        new Scripted(
            Scripted.callForEver(),
            builder ->
                builder
                    .executor(Runnable::run)
                    .hypercall(
                        Scripted.CALL,
                        "CALL",
                        call -> {
                          running.countDown();
                          return Outcome.CONTINUE;
                        }))) {
      Thread closer =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      running.await();
                      scripted.monitor.close();
                    } catch (InterruptedException e) {
                      throw new AssertionError(e);
                    }
                  });
      assertThat(scripted.monitor.run()).isEqualTo(new Stopped());
      closer.join();
    }
  }

  @Test
  void executorThatRefusesIsNamedAndTheMonitorCloses() {
    RejectedExecutionException full = new RejectedExecutionException("full");
    Executor refusing =
        new Executor() {
          @Override
          public void execute(Runnable guest) {
            throw full;
          }

          @Override
          public String toString() {
            return "the pool";
          }
        };
    try (Scripted scripted = guest(refusing)) {
      assertThatThrownBy(scripted.monitor::start)
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("executor the pool did not run the guest")
          .hasCause(full);
      assertThatThrownBy(scripted.monitor::start).hasMessageContaining("has run its guest already");
    }
    assertThat(events).containsExactly("failed executor the pool did not run the guest");
  }

  @Test
  void errorOfAnExecutorComesAsItIsAndTheMonitorCloses() {
    OutOfMemoryError error = new OutOfMemoryError("unable to create native thread");
    try (Scripted scripted =
        guest(
            guest -> {
              throw error;
            })) {
      assertThatThrownBy(scripted.monitor::run).isSameAs(error);
    }
    assertThat(events).containsExactly("failed unable to create native thread");
  }

  @Test
  void guestThatItsExecutorHasNotComeToIsClosedAtOnce() {
    List<Runnable> queue = new ArrayList<>();
    try (Scripted scripted = guest(queue::add)) {
      RunHandle run = scripted.monitor.start();
      scripted.monitor.close();
      assertThat(run.result()).contains(new Stopped());
      queue.getFirst().run();
    }
    assertThat(events).containsExactly("ended Stopped[]");
  }

  @Test
  void executorThatRunsTheGuestTwiceRunsItOnce() throws InterruptedException {
    try (Scripted scripted =
        guest(
            guest -> {
              guest.run();
              guest.run();
            })) {
      assertThat(scripted.monitor.run()).isEqualTo(new RunResult.Halted(0));
    }
    assertThat(events).containsExactly("started", "ended " + new RunResult.Halted(0));
  }
}
