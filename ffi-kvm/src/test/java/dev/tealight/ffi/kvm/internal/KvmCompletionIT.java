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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Guests at level 0 that use SSE and x87 run with instruction completion, also on a KVM that cannot
 * emulate these. On a KVM that can, nothing fails and nothing is completed.
 */
class KvmCompletionIT {

  @ParameterizedTest
  @CsvSource({"fpu,''", "sse,''", "x87,''", "nbody,100", "threads,3"})
  void guestsWithFloatingPointRunAtLevel0(String program, String arguments)
      throws InterruptedException {
    KvmOptions options = KvmOptions.DEFAULT.withRing3(Ring3Policy.NEVER).withCompletion();
    assertEquals(new RunResult.Halted(0), run(program, arguments, options));
  }

  @Test
  void forbiddenStoreIsStillAFault() throws InterruptedException {
    KvmOptions options = KvmOptions.DEFAULT.withRing3(Ring3Policy.NEVER).withCompletion();
    assertInstanceOf(RunResult.Faulted.class, run("xnow", "", options));
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
