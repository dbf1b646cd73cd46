// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.ExitKind;
import dev.tealight.Hypervisor;
import dev.tealight.ffi.posix.HostCalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Many kicks. */
@Timeout(300)
class KickStormIT {
  private static final Logger LOG = LoggerFactory.getLogger(KickStormIT.class);

  private static final String SPIN = "eb fe";

  /** A loop that writes EAX to port 0x12. */
  private static final String WRITE_FOR_EVER = "e7 12 eb fc";

  private Hypervisor hypervisor;

  @BeforeEach
  void open() {
    hypervisor = TestKvm.open();
  }

  @AfterEach
  void close() {
    if (hypervisor != null) {
      hypervisor.close();
    }
  }

  /** Each kick waits for its exit, so a lost one would be waited for until the time is up. */
  @Test
  void everyKickOfASpinningGuestEndsItsRun() throws Exception {
    int kicks = TestKvm.effort(10_000, 100_000);
    long[] nanos = new long[kicks];
    AtomicInteger exits = new AtomicInteger();
    AtomicBoolean ended = new AtomicBoolean();
    try (KvmGuest guest = new KvmGuest(hypervisor, SPIN)) {
      FutureTask<Void> running =
          new FutureTask<>(
              () -> {
                while (!ended.get()) {
                  assertThat(guest.run()).isEqualTo(ExitKind.INTERRUPTED);
                  exits.incrementAndGet();
                }
              },
              null);
      Thread runner = Thread.ofPlatform().start(running);
      for (int i = 0; i < kicks; i++) {
        int before = exits.get();
        long start = System.nanoTime();
        guest.vcpu.kick();
        while (exits.get() == before) {
          if (running.isDone()) {
            running.get(); // throws what went wrong
          }
          Thread.onSpinWait();
        }
        nanos[i] = System.nanoTime() - start;
      }
      ended.set(true);
      guest.vcpu.kick();
      runner.join();
      running.get();
    }
    Arrays.sort(nanos);
    LOG.info(
        "microseconds from kick to exit, of {} kicks: p50 {}, p99 {}, p99.9 {}, max {}",
        kicks,
        nanos[kicks / 2] / 1000,
        nanos[kicks / 100 * 99] / 1000,
        nanos[kicks / 1000 * 999] / 1000,
        nanos[kicks - 1] / 1000);
  }

  @Test
  void stormOfKicksFromTwoThreadsDisturbsNoExitAndTheLastKickArrives() throws InterruptedException {
    int kicks = 100_000;
    AtomicInteger storming = new AtomicInteger(2);
    try (KvmGuest guest = new KvmGuest(hypervisor, WRITE_FOR_EVER)) {
      Runnable storm =
          () -> {
            for (int i = 0; i < kicks / 2; i++) {
              guest.vcpu.kick();
            }
            storming.decrementAndGet();
          };
      Thread one = Thread.ofPlatform().start(storm);
      Thread other = Thread.ofPlatform().start(storm);
      int interrupted = 0;
      while (storming.get() > 0) {
        ExitKind kind = guest.run();
        assertThat(kind).isIn(ExitKind.IO_WRITE, ExitKind.INTERRUPTED);
        interrupted += kind == ExitKind.INTERRUPTED ? 1 : 0;
      }
      one.join();
      other.join();
      interrupted += guest.run() == ExitKind.INTERRUPTED ? 1 : 0;
      assertThat(interrupted).isPositive();
      assertThat(guest.run()).isEqualTo(ExitKind.IO_WRITE);
      guest.vcpu.kick();
      assertThat(guest.run()).isEqualTo(ExitKind.INTERRUPTED);
    }
  }

  @Test
  void threadThatRanAVcpuIsNotDisturbedLater() throws InterruptedException {
    AtomicBoolean ended = new AtomicBoolean();
    try (KvmGuest guest = new KvmGuest(hypervisor, WRITE_FOR_EVER)) {
      Thread kicker =
          Thread.ofPlatform()
              .start(
                  () -> {
                    while (!ended.get()) {
                      guest.vcpu.kick();
                    }
                  });
      HostCalls host = HostCalls.system();
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment timeout = arena.allocate(16);
        timeout.set(ValueLayout.JAVA_LONG, 8, 100_000);
        for (int i = 0; i < 2_000; i++) {
          guest.run();
          assertThat(host.ppoll(MemorySegment.NULL, 0, timeout)).isZero();
        }
      } finally {
        ended.set(true);
        kicker.join();
      }
    }
  }
}
