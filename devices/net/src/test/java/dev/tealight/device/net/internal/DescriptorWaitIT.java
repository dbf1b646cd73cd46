// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;
import dev.tealight.ReadinessSource;
import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.HostCalls;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Guests on the software CPU wait for links with descriptors without looking at them over and over,
 * although it makes no native calls: whoever has such a link has the module that polls.
 */
@Timeout(60)
class DescriptorWaitIT {
  private static final TimeSource TIME = TimeSource.system();

  private record Counting(int descriptor, AtomicInteger looks) implements ReadinessSource {
    @Override
    public boolean isReady() {
      looks.incrementAndGet();
      return false;
    }
  }

  @Test
  void softwareCpuLeavesDescriptorsToTheHost() {
    assumeTrue(
        System.getProperty("os.name").equals("Linux")
            && System.getProperty("os.arch").equals("amd64"),
        "needs Linux on amd64");
    HostCalls host = HostCalls.system();
    AtomicInteger looks = new AtomicInteger();
    try (Arena arena = Arena.ofConfined();
        Descriptor event = Descriptor.event(host);
        Hypervisor hypervisor = Hypervisors.open("softcpu");
        Waiter waiter = hypervisor.createWaiter()) {
      List<ReadinessSource> sources = List.of(new Counting(event.number(), looks));
      long deadline = TIME.deadlineAfter(30_000_000);
      while (TIME.monotonicNanos() < deadline) { // the first wait may end early
        waiter.await(TIME, deadline, sources);
      }
      assertThat(host.write(event.number(), arena.allocateFrom(ValueLayout.JAVA_LONG, 1)))
          .isEqualTo(Long.BYTES);
      waiter.await(TIME, Waiter.NO_DEADLINE, sources);
    }
    assertThat(looks).hasValue(0);
  }
}
