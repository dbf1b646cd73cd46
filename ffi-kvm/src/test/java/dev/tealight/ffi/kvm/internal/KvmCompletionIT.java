// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import dev.tealight.Console;
import dev.tealight.Hypervisor;
import dev.tealight.Monitor;
import dev.tealight.RunResult;
import dev.tealight.ffi.kvm.KvmOptions;
import dev.tealight.ffi.kvm.KvmOptions.Ring3Policy;
import dev.tealight.testkit.Guests;
import org.junit.jupiter.api.Test;

/**
 * Guests at level 0 that use SSE and x87 run with instruction completion, also on a KVM that cannot
 * emulate these. On a KVM that can, nothing fails and nothing is completed.
 */
class KvmCompletionIT {

  private static final KvmOptions COMPLETING =
      KvmOptions.DEFAULT.withRing3(Ring3Policy.NEVER).withCompletion();

  @Test
  void guestsWithSseRunAtLevel0() throws InterruptedException {
    assertSucceeds("fpu", "");
    assertSucceeds("sse", "");
    assertSucceeds("nbody", "100");
  }

  @Test
  void guestsWithX87RunAtLevel0() throws InterruptedException {
    assertSucceeds("x87", "");
    assertSucceeds("threads", "3");
  }

  private static void assertSucceeds(String program, String arguments) throws InterruptedException {
    assertEquals(new RunResult.Halted(0), run(program, arguments, COMPLETING), program);
  }

  @Test
  void forbiddenStoreIsStillAFault() throws InterruptedException {
    assertInstanceOf(RunResult.Faulted.class, run("xnow", "", COMPLETING));
  }

  private static RunResult run(String program, String arguments, KvmOptions options)
      throws InterruptedException {
    try (Hypervisor hypervisor = TestKvm.open(options);
        Monitor monitor =
            Monitor.builder()
                .image(program, Guests.image(program))
                .arguments(arguments)
                .memoryByteSize(4 << 20)
                .console(Console.discard())
                .hypervisor(hypervisor)
                .build()) {
      return monitor.run();
    }
  }
}
