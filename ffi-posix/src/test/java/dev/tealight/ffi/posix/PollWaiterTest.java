// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.ReadinessSource;
import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import dev.tealight.testkit.Allocation;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The waiter's own part of a wait. */
class PollWaiterTest {
  private static final int SOURCE = 8;
  private static final int WAITS = 100_000;

  /** A clock that stands still at 0. */
  static final TimeSource STILL =
      new TimeSource() {
        @Override
        public long monotonicNanos() {
          return 0;
        }

        @Override
        public long wallClockNanos() {
          return 0;
        }
      };

  /**
   * What the JDK does for a call of a real host is not in it: it allocates or not as its code was
   * compiled.
   */
  @Test
  void waitsAllocateNothing() {
    Allocation allocation = new Allocation();
    Source silent = new Source(-1);
    Source ready = new Source(SOURCE);
    List<ReadinessSource> sources = List.of(silent, ready);
    try (PollWaiter waiter = new PollWaiter(new ReadyHost())) {
      waitOften(waiter, sources, 1000);
      long before = allocation.byteSize();
      waitOften(waiter, sources, WAITS);
      // What asking and compiling cost once does not grow with the waits.
      assertThat(allocation.byteSize() - before).isLessThan(WAITS / 10);
    }
    assertThat(ready.polls).isEqualTo(3 * (1000 + WAITS));
    assertThat(silent.polls).isZero();
  }

  /** Waits without, with a long and with a short time limit, and finds that there was a wake. */
  private static void waitOften(PollWaiter waiter, List<ReadinessSource> sources, int times) {
    for (int i = 0; i < times; i++) {
      waiter.await(STILL, Waiter.NO_DEADLINE, sources);
      waiter.await(STILL, 1_000_000_000, sources);
      waiter.await(STILL, 1_000_000, sources);
      waiter.wake();
      waiter.await(STILL, Waiter.NO_DEADLINE, sources);
    }
  }

  private static final class Source implements ReadinessSource {
    private final int descriptor;
    private int polls;

    Source(int descriptor) {
      this.descriptor = descriptor;
    }

    @Override
    public boolean isReady() {
      return false;
    }

    @Override
    public int descriptor() {
      return descriptor;
    }

    @Override
    public void polled() {
      polls++;
    }
  }

  /** A host on which the second descriptor always has input. */
  private static final class ReadyHost implements HostCalls {
    private static final long SECOND_EVENTS =
        LinuxAbi.POLLFD.byteSize()
            + LinuxAbi.POLLFD.byteOffset(PathElement.groupElement("revents"));

    @Override
    public long ppoll(MemorySegment descriptors, int count, MemorySegment timeout) {
      descriptors.set(ValueLayout.JAVA_SHORT, SECOND_EVENTS, (short) LinuxAbi.POLLIN);
      return 1;
    }

    @Override
    public long eventfd() {
      return 7;
    }

    @Override
    public long close(int descriptor) {
      return 0;
    }

    @Override
    public long setTimerSlack(long nanos) {
      return 0;
    }

    @Override
    public String errnoName(int errno) {
      return Integer.toString(errno);
    }

    private static UnsupportedOperationException unused() {
      return new UnsupportedOperationException("no wait needs this");
    }

    @Override
    public long open(MemorySegment path, int flags) {
      throw unused();
    }

    @Override
    public long ioctl(int descriptor, int request, long argument) {
      throw unused();
    }

    @Override
    public long ioctl(int descriptor, int request, MemorySegment argument) {
      throw unused();
    }

    @Override
    public long read(int descriptor, MemorySegment buffer) {
      throw unused();
    }

    @Override
    public long write(int descriptor, MemorySegment buffer) {
      throw unused();
    }

    @Override
    public long mmap(long byteSize, int protection, int flags, int descriptor, long offset) {
      throw unused();
    }

    @Override
    public long munmap(long address, long byteSize) {
      throw unused();
    }

    @Override
    public long madvise(long address, long byteSize, int advice) {
      throw unused();
    }

    @Override
    public long gettid() {
      throw unused();
    }

    @Override
    public long tgkill(int thread, int signal) {
      throw unused();
    }

    @Override
    public long sigaction(int signal, MemorySegment action, MemorySegment previous) {
      throw unused();
    }

    @Override
    public long idleHandler() {
      throw unused();
    }

    @Override
    public long unblockSignals(MemorySegment set) {
      throw unused();
    }
  }
}
