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
import dev.tealight.RunResult;
import dev.tealight.testkit.Guests;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

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
                .observer(
                    new MonitorObserver() {
                      @Override
                      public void ended(Monitor of, RunResult result, ExitCounts counts) {
                        writes.complete(counts.of(ExitKind.IO_WRITE));
                      }
                    })
                .build()) {
      assertThat(monitor.run()).isEqualTo(new RunResult.Halted(0));
      // Until a thread sends them.
      assertThat(writes.join()).isLessThan(10_000);
    }
  }
}
