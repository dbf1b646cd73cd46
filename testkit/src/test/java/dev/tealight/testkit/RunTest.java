// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind.DebugCause;
import dev.tealight.RunHandle;
import dev.tealight.RunResult;
import dev.tealight.RunResult.DeadlineExceeded;
import dev.tealight.RunResult.Faulted;
import dev.tealight.RunResult.Halted;
import dev.tealight.RunResult.Stopped;
import dev.tealight.VmExit;
import dev.tealight.Waiter;
import dev.tealight.X86Register;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.Outcome;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Starting, stopping, pausing, resuming and ending a run, at every moment. */
@Timeout(60)
class RunTest {

  /** What a guest does that never ends by itself. */
  enum Endless {
    SPINS,
    EXITS,
    WAITS;

    private GuestScript script() {
      return switch (this) {
        case SPINS -> GuestScript.spin();
        case EXITS -> Scripted.callForEver();
        case WAITS -> Scripted.callThenEnd();
      };
    }

    Scripted start(Duration limit) {
      GuestCallHandler handler = this == WAITS ? new WaitForEver() : call -> Outcome.CONTINUE;
      return new Scripted(
          script(),
          builder -> {
            builder.hypercall(Scripted.CALL, "CALL", handler);
            if (!limit.isZero()) {
              builder.deadline(limit);
            }
          });
    }
  }

  private static final class WaitForEver implements GuestCallHandler {
    @Override
    public Outcome handle(GuestCall call) {
      return call.waitFor(Waiter.NO_DEADLINE, List.of());
    }
  }

  // Stopping.

  @ParameterizedTest
  @EnumSource
  void endlessGuestIsStoppedAtOnceAfterItsStart(Endless endless) throws InterruptedException {
    for (int i = 0; i < 20; i++) {
      try (Scripted scripted = endless.start(Duration.ZERO)) {
        RunHandle handle = scripted.monitor.start();
        handle.stop();
        assertThat(handle.await()).isEqualTo(new Stopped());
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void endlessGuestIsStoppedLater(Endless endless) throws InterruptedException {
    try (Scripted scripted = endless.start(Duration.ZERO)) {
      RunHandle handle = scripted.monitor.start();
      assertThat(handle.await(Duration.ofMillis(20))).isEmpty();
      assertThat(handle.result()).isEmpty();
      handle.stop();
      assertThat(handle.await()).isEqualTo(new Stopped());
      assertThat(handle.result()).contains(new Stopped());
    }
  }

  @ParameterizedTest
  @EnumSource
  void pausedGuestIsStopped(Endless endless) throws InterruptedException {
    try (Scripted scripted = endless.start(Duration.ZERO)) {
      RunHandle handle = scripted.monitor.start();
      handle.pause();
      handle.stop();
      assertThat(handle.await()).isEqualTo(new Stopped());
    }
  }

  @Test
  void stopAfterTheEndChangesNothing() throws InterruptedException {
    try (Scripted scripted = new Scripted(GuestScript.exits(ScriptedBoot.end(3)))) {
      RunHandle handle = scripted.monitor.start();
      assertThat(handle.await()).isEqualTo(new Halted(3));
      handle.stop();
      handle.pause();
      handle.resume();
      assertThat(handle.await()).isEqualTo(new Halted(3));
    }
  }

  @ParameterizedTest
  @EnumSource
  void interruptedRunStopsTheGuest(Endless endless) throws InterruptedException {
    try (Scripted scripted = endless.start(Duration.ZERO)) {
      AtomicReference<Throwable> thrown = new AtomicReference<>();
      Thread caller =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      scripted.monitor.run();
                    } catch (Throwable e) {
                      thrown.set(e);
                    }
                  });
      caller.interrupt();
      caller.join();
      assertThat(thrown.get()).isInstanceOf(InterruptedException.class);
    }
  }

  @ParameterizedTest
  @EnumSource
  void closingARunningMonitorStopsItsGuest(Endless endless) throws InterruptedException {
    RunHandle handle;
    try (Scripted scripted = endless.start(Duration.ZERO)) {
      handle = scripted.monitor.start();
      scripted.monitor.close();
      scripted.monitor.close();
    }
    assertThat(handle.await()).isEqualTo(new Stopped());
  }

  @ParameterizedTest
  @EnumSource
  void deadlineEndsARunThatGoesOn(Endless endless) throws InterruptedException {
    Duration limit = Duration.ofMillis(5);
    try (Scripted scripted = endless.start(limit)) {
      assertThat(scripted.monitor.run()).isEqualTo(new DeadlineExceeded(limit));
    }
  }

  @ParameterizedTest
  @EnumSource
  void deadlineEndsAPausedRun(Endless endless) throws InterruptedException {
    Duration limit = Duration.ofMillis(30);
    try (Scripted scripted = endless.start(limit)) {
      RunHandle handle = scripted.monitor.start();
      handle.pause();
      assertThat(handle.await()).isEqualTo(new DeadlineExceeded(limit));
    }
  }

  // Pausing.

  @Test
  void pausedGuestStandsStillAndGoesOnWhenResumed() throws InterruptedException {
    AtomicInteger calls = new AtomicInteger();
    AtomicReference<Thread> runner = new AtomicReference<>();
    try (Scripted scripted =
        new Scripted(
            Scripted.callForEver(),
            builder ->
                builder.hypercall(
                    Scripted.CALL,
                    "CALL",
                    call -> {
                      runner.set(Thread.currentThread());
                      calls.incrementAndGet();
                      return Outcome.CONTINUE;
                    }))) {
      RunHandle handle = scripted.monitor.start();
      while (runner.get() == null) {
        Thread.onSpinWait();
      }
      for (int round = 0; round < 10; round++) {
        handle.pause();
        int then = calls.get();
        awaitParked(runner.get());
        assertThat(calls.get()).isEqualTo(then);
        handle.resume();
        while (calls.get() == then) {
          Thread.onSpinWait();
        }
      }
    }
  }

  /** A guest that goes on never does this. */
  private static void awaitParked(Thread guest) {
    while (guest.getState() != Thread.State.WAITING
        && guest.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
  }

  @Test
  void pauseTwiceAndResumeOnceGoesOn() throws InterruptedException {
    try (Scripted scripted = new Scripted(GuestScript.spin())) {
      RunHandle handle = scripted.monitor.start();
      handle.pause();
      handle.pause();
      handle.resume();
      handle.resume();
      handle.pause();
      handle.stop();
      assertThat(handle.await()).isEqualTo(new Stopped());
    }
  }

  @Test
  void guestThatWaitsGoesOnWithItsWaitAfterAPause() throws InterruptedException {
    AtomicInteger resumed = new AtomicInteger();
    CountDownLatch waiting = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    GuestCallHandler handler =
        new GuestCallHandler() {
          @Override
          public Outcome handle(GuestCall call) {
            waiting.countDown();
            return call.waitFor(Waiter.NO_DEADLINE, List.of());
          }

          @Override
          public Outcome resume(GuestCall call) {
            resumed.incrementAndGet();
            return go.getCount() == 0 ? Outcome.CONTINUE : handle(call);
          }
        };
    try (Scripted scripted =
        new Scripted(
            Scripted.callThenEnd(), builder -> builder.hypercall(Scripted.CALL, "CALL", handler))) {
      RunHandle handle = scripted.monitor.start();
      waiting.await();
      handle.pause();
      go.countDown();
      handle.resume();
      assertThat(handle.await()).isEqualTo(new Halted(0));
      assertThat(resumed).hasPositiveValue();
    }
  }

  // Once.

  @Test
  void guestIsRunOnce() throws InterruptedException {
    try (Scripted scripted = new Scripted(GuestScript.exits(ScriptedBoot.end(0)))) {
      scripted.monitor.run();
      assertThatThrownBy(scripted.monitor::run)
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("monitor scripted has run its guest already: build another");
    }
  }

  @Test
  void closedMonitorIsNotRun() {
    Scripted scripted = new Scripted(GuestScript.spin());
    scripted.close();
    assertThatThrownBy(scripted.monitor::start)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("monitor scripted is closed");
  }

  @Test
  void monitorThatNeverRanIsClosed() {
    new Scripted(GuestScript.spin()).close();
  }

  @Test
  void executorOfTheCallerRunsTheGuestInPlace() throws InterruptedException {
    AtomicReference<Thread> runner = new AtomicReference<>();
    try (Scripted scripted =
        new Scripted(
            guest -> {
              runner.set(Thread.currentThread());
              return ScriptedBoot.end(0);
            },
            builder -> builder.executor(Runnable::run))) {
      assertThat(scripted.monitor.run()).isEqualTo(new Halted(0));
      assertThat(runner.get()).isSameAs(Thread.currentThread());
    }
  }

  @Test
  void guestHasAPlatformThreadNamedAfterIt() throws InterruptedException {
    AtomicReference<Thread> runner = new AtomicReference<>();
    try (Scripted scripted =
        new Scripted(
            guest -> {
              runner.set(Thread.currentThread());
              return ScriptedBoot.end(0);
            })) {
      Thread.startVirtualThread(scripted.monitor::start).join();
      while (runner.get() == null) {
        Thread.onSpinWait();
      }
      assertThat(runner.get().isVirtual()).isFalse();
      assertThat(runner.get().getName()).isEqualTo("vcpu-scripted-0");
    }
  }

  // What the guest does wrong is a result.

  static Stream<VmExit> exitsThatAreFaults() {
    return Stream.of(
        new VmExit.IoWrite(0x3f8, 1, 'x'),
        new VmExit.IoRead(0x60, 1),
        new VmExit.MmioWrite(0x8000_0000L, 4, 1),
        new VmExit.MmioRead(0x8000_0000L, 8),
        new VmExit.ProtectionFault(0x10_0000),
        new VmExit.ProtectionFault(ExitFrame.UNKNOWN_ADDRESS),
        new VmExit.Halt(),
        new VmExit.Shutdown(),
        new VmExit.UnhandledException(14, 0x8),
        new VmExit.EntryFailed(7),
        new VmExit.HypervisorError(1),
        new VmExit.Debug(DebugCause.STEP, 0x1000),
        new VmExit.InterruptWindow(),
        new VmExit.Unknown(99),
        ScriptedBoot.hypercall(200, 0x1000));
  }

  @ParameterizedTest
  @MethodSource("exitsThatAreFaults")
  void exitThatNobodyServesIsAFaultWithItsRegisters(VmExit exit) throws InterruptedException {
    try (Scripted scripted =
        new Scripted(
            guest -> {
              guest.state().set(X86Register.RIP, 0x1234);
              return exit;
            })) {
      RunResult result = scripted.monitor.run();
      assertThat(result).isInstanceOf(Faulted.class);
      Faulted fault = (Faulted) result;
      assertThat(fault.exit()).isEqualTo(exit);
      assertThat(fault.registers().orElseThrow().instructionPointer()).isEqualTo(0x1234);
      assertThat(fault.reason()).endsWith(" at instruction 0x1234");
    }
  }

  @Test
  void spuriousInterruptionsAreNoExits() throws InterruptedException {
    GuestScript script =
        GuestScript.exits(new VmExit.Interrupted(), new VmExit.Interrupted(), ScriptedBoot.end(5));
    try (Scripted scripted = new Scripted(script)) {
      assertThat(scripted.monitor.run()).isEqualTo(new Halted(5));
    }
  }

  @Test
  void resultIsThereForEveryoneWhoWaits() throws Exception {
    try (Scripted scripted = new Scripted(GuestScript.spin())) {
      RunHandle handle = scripted.monitor.start();
      List<FutureTask<RunResult>> waiting =
          Stream.generate(() -> new FutureTask<>(handle::await)).limit(8).toList();
      waiting.forEach(Thread::startVirtualThread);
      handle.stop();
      for (FutureTask<RunResult> each : waiting) {
        assertThat(each.get()).isEqualTo(new Stopped());
      }
    }
  }
}
