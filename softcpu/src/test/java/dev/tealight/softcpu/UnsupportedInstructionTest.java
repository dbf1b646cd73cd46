// SPDX-License-Identifier: ISC
package dev.tealight.softcpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.Console;
import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;
import dev.tealight.Monitor;
import dev.tealight.RunResult;
import dev.tealight.testkit.Guests;
import org.junit.jupiter.api.Test;

/** An instruction that raised #UD is named in the result of the run. */
class UnsupportedInstructionTest {

  @Test
  void resultOfAGuestThatEndedItselfNamesTheInstruction() throws InterruptedException {
    assertThat(run("avx"))
        .isInstanceOfSatisfying(
            RunResult.Halted.class,
            halted -> {
              assertThat(halted.status()).isEqualTo(255);
              assertThat(halted.remark().orElseThrow())
                  .matches(
                      "#UD by undefined instruction c5 fc 58 \\(AVX: VADDPS\\) at 0x[0-9a-f]+");
            });
  }

  @Test
  void reasonOfAFaultNamesTheInstruction() throws InterruptedException {
    assertThat(run("triplefault"))
        .isInstanceOfSatisfying(
            RunResult.Faulted.class,
            faulted ->
                assertThat(faulted.reason())
                    .matches(
                        ".* \\(triple fault\\) at instruction 0x.*, after #UD by UD2 at 0x.*"));
  }

  @Test
  void resultOfAnInconspicuousRunHasNoRemark() throws InterruptedException {
    assertThat(run("globals")).isEqualTo(new RunResult.Halted(0));
  }

  private static RunResult run(String program) throws InterruptedException {
    try (Hypervisor hypervisor = Hypervisors.open(SoftcpuOptions.defaults());
        Monitor monitor =
            Monitor.builder()
                .image(program, Guests.image(program))
                .memoryByteSize(4 << 20)
                .console(Console.discard())
                .hypervisor(hypervisor)
                .build()) {
      return monitor.run();
    }
  }
}
