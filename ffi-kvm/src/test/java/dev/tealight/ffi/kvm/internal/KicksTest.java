// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.KickSignal;
import dev.tealight.ffi.posix.LinuxErrno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The kick protocol without a kernel. */
@Timeout(60)
class KicksTest {
  private static final int THREAD = 77;

  private final MemorySegment page = Arena.ofAuto().allocate(4096, 8);
  private final List<String> signals = new CopyOnWriteArrayList<>();
  private IntUnaryOperator onSignal = thread -> 0;
  private final Kicks kicks = new Kicks(host(), new KvmRun(page));

  private HostCalls host() {
    return (HostCalls)
        Proxy.newProxyInstance(
            HostCalls.class.getClassLoader(),
            new Class<?>[] {HostCalls.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "tgkill" -> {
                    signals.add(arguments[0] + ":" + arguments[1]);
                    yield (long) onSignal.applyAsInt((int) arguments[0]);
                  }
                  case "gettid" -> (long) THREAD;
                  default -> throw new AssertionError(method);
                });
  }

  private boolean immediateExit() {
    return page.get(ValueLayout.JAVA_BYTE, 1) != 0;
  }

  @Test
  void kickOfARunningVcpuSetsTheFlagAndSignalsItsThread() {
    kicks.enter(THREAD);
    kicks.kick();
    assertThat(immediateExit()).isTrue();
    assertThat(signals).containsExactly(THREAD + ":" + KickSignal.NUMBER);
    assertThat(kicks.leave()).isTrue();
  }

  @Test
  void kickOfAnIdleVcpuSignalsNobodyAndWaitsForTheNextRun() {
    kicks.kick();
    assertThat(signals).isEmpty();
    kicks.enter(THREAD);
    assertThat(immediateExit()).isTrue();
    assertThat(kicks.leave()).isTrue();
    assertThat(signals).isEmpty();
  }

  @Test
  void kicksUntilTheNextReportAreOne() {
    kicks.enter(THREAD);
    kicks.kick();
    kicks.kick();
    kicks.leave();
    kicks.kick();
    kicks.enter(THREAD);
    kicks.kick();
    assertThat(signals).hasSize(1);
    kicks.leave();
    kicks.consume();
    assertThat(immediateExit()).isFalse();
    kicks.enter(THREAD);
    assertThat(kicks.leave()).isFalse();
  }

  @Test
  void kickStaysUntilItIsReported() {
    kicks.enter(THREAD);
    kicks.kick();
    assertThat(kicks.leave()).isTrue(); // left for another reason: nothing consumed
    kicks.enter(THREAD);
    assertThat(immediateExit()).isTrue();
    assertThat(kicks.leave()).isTrue();
  }

  @Test
  void threadDoesNotLeaveWhileItsNumberIsAboutToBeUsed() throws InterruptedException {
    CountDownLatch sending = new CountDownLatch(1);
    CountDownLatch mayGoOn = new CountDownLatch(1);
    CountDownLatch left = new CountDownLatch(1);
    onSignal =
        thread -> {
          sending.countDown();
          try {
            mayGoOn.await();
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
          return left.getCount() == 1 ? 0 : -LinuxErrno.ESRCH;
        };
    kicks.enter(THREAD);
    Thread kicker = Thread.ofPlatform().start(kicks::kick);
    sending.await();
    Thread leaver =
        Thread.ofPlatform()
            .start(
                () -> {
                  kicks.leave();
                  left.countDown();
                });
    while (leaver.isAlive() && !isIn(leaver, "awaitSender")) {
      Thread.onSpinWait();
    }
    assertThat(left.getCount()).isEqualTo(1);
    mayGoOn.countDown();
    kicker.join();
    leaver.join();
    assertThat(left.getCount()).isZero();
  }

  private static boolean isIn(Thread thread, String method) {
    return Arrays.stream(thread.getStackTrace())
        .anyMatch(frame -> frame.getMethodName().equals(method));
  }

  @Test
  void signalIsSentAgainWhenTheHostHasNoRoomForIt() {
    AtomicInteger refusals = new AtomicInteger(3);
    onSignal = thread -> refusals.getAndDecrement() > 0 ? -LinuxErrno.EAGAIN : 0;
    kicks.enter(THREAD);
    kicks.kick();
    assertThat(signals).hasSize(4);
    kicks.leave();
  }

  @Test
  void runningVcpuIsNotClosed() {
    kicks.enter(THREAD);
    assertThatThrownBy(kicks::close)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("the vCPU is being run");
    kicks.leave();
    assertThat(kicks.close()).isTrue();
    assertThat(kicks.close()).isFalse();
  }

  @Test
  void closedVcpuCannotBeRunAndIgnoresKicks() {
    kicks.close();
    kicks.kick();
    assertThatThrownBy(() -> kicks.enter(THREAD))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the vCPU is closed");
    assertThat(kicks.isRunning()).isFalse();
  }

  @Test
  void secondThreadIsRefused() {
    kicks.enter(THREAD);
    assertThatThrownBy(() -> kicks.enter(THREAD + 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the vCPU is being run by another thread");
    kicks.kick();
    assertThat(signals).containsExactly(THREAD + ":" + KickSignal.NUMBER);
    kicks.leave();
  }
}
