// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.tealight.ExitCounts;
import dev.tealight.ExitKind;
import dev.tealight.Hypervisor;
import dev.tealight.HypervisorUnavailableException;
import dev.tealight.Hypervisors;
import dev.tealight.Monitor;
import dev.tealight.MonitorObserver;
import dev.tealight.ReadinessSource;
import dev.tealight.RunHandle;
import dev.tealight.RunResult;
import dev.tealight.TimeSource;
import dev.tealight.device.FrameLink;
import dev.tealight.testkit.Allocation;
import dev.tealight.testkit.Guests;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Guests that use the shared ring on KVM, where a thread of its own serves it. */
class KvmRingIT extends RingGuestSuite {

  @Override
  protected Hypervisor open() {
    try {
      return Hypervisors.open("kvm");
    } catch (HypervisorUnavailableException e) {
      return abort(e.getMessage());
    }
  }

  @Test
  void framesInQuickSuccessionDoNotLeaveGuestMode() throws InterruptedException {
    CompletableFuture<Long> writes = new CompletableFuture<>();
    try (VirtualSwitch network = new VirtualSwitch();
        Hypervisor hypervisor = open();
        Monitor monitor =
            Monitor.builder()
                .image("frames_ring", Guests.image("frames_ring"))
                .memoryByteSize(16 << 20)
                .arguments("source", "20000", "60")
                .device("service0", NetConfig.of(network.port("guest")))
                .hypervisor(hypervisor)
                .timeSource(new StoppedClock())
                .observer(
                    new MonitorObserver() {
                      @Override
                      public void ended(Monitor of, RunResult result, ExitCounts counts) {
                        writes.complete(counts.of(ExitKind.IO_WRITE));
                      }
                    })
                .build()) {
      assertThat(monitor.run()).isEqualTo(new RunResult.Halted(0));
      // How many depends on when the thread that sends them gets a processor.
      assertThat(writes.join()).isLessThan(20_000);
    }
  }

  /** Rings are in quick succession, no matter how busy the machine is. */
  private static final class StoppedClock implements TimeSource {
    @Override
    public long monotonicNanos() {
      return 0;
    }

    @Override
    public long wallClockNanos() {
      return 0;
    }
  }

  /**
   * Measures the thread that sends, over stretches of frames that it sends without another doing so
   * in between. Fails by the time limit.
   */
  @ParameterizedTest
  @CsvSource({"frames, vcpu-", "frames_ring, doorbell-"})
  void framesAllocateNothingOnceTheirCodeIsCompiled(String program, String thread)
      throws InterruptedException {
    MeasuringLink link = new MeasuringLink(thread);
    try (Hypervisor hypervisor = open();
        Monitor monitor =
            Monitor.builder()
                .image(program, Guests.image(program))
                .memoryByteSize(16 << 20)
                .arguments("flood", "1514")
                .device("service0", NetConfig.of(mac -> link))
                .hypervisor(hypervisor)
                .timeSource(new StoppedClock())
                .build()) {
      RunHandle handle = monitor.start();
      assertThat(link.freeStretch.await(2, TimeUnit.MINUTES)).isTrue();
      handle.stop();
      assertThat(handle.await()).isInstanceOf(RunResult.Stopped.class);
    }
  }

  /** Takes frames, and tells when a stretch of them has cost no memory. */
  private static final class MeasuringLink implements FrameLink {
    private static final int STRETCH = 1000;

    final CountDownLatch freeStretch = new CountDownLatch(1);
    private final Allocation allocation = new Allocation();
    private final String threadName;
    private @Nullable Thread sender;
    private int count;
    private long start;

    MeasuringLink(String threadName) {
      this.threadName = threadName;
    }

    @Override
    public void send(MemorySegment memory, long offset, int byteSize) {
      Thread current = Thread.currentThread();
      if (!current.equals(sender) || count == STRETCH) {
        boolean whole = current.equals(sender);
        long now = allocation.byteSize(); // allocates a few bytes, but less than one for each frame
        if (whole && now - start < STRETCH && current.getName().startsWith(threadName)) {
          freeStretch.countDown();
        }
        sender = current;
        start = now;
        count = 0;
      }
      count++;
    }

    @Override
    public int mtu() {
      return NetConfig.DEFAULT_MTU;
    }

    @Override
    public int receive(MemorySegment memory, long offset, int byteSize) {
      return 0;
    }

    @Override
    public ReadinessSource readiness() {
      return () -> false;
    }

    @Override
    public void close() {}
  }
}
