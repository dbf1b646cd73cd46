// SPDX-License-Identifier: ISC
package dev.tealight.softcpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;
import dev.tealight.Monitor;
import dev.tealight.RunResult;
import dev.tealight.testkit.Guests;
import dev.tealight.testkit.VirtualTime;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

/** In virtual time, two runs of one image with the same inputs end the same, to the last byte. */
class RepeatabilityTest {
  private static final boolean NIGHTLY = "nightly".equals(System.getProperty("tealight.effort"));
  private static final int RUNS = NIGHTLY ? 1_000 : 5;
  private static final int MEMORY_BYTE_SIZE = 4 << 20;

  /** How a run ended: the result, the console's text and a checksum of all memory. */
  private record End(RunResult result, String text, long memory) {}

  @Test
  void runsWithTheSameSeedEndWithTheSameMemory() throws InterruptedException {
    repeat("rdrand", "");
    repeat("sha256", "20000");
    repeat("nbody", "100");
    repeat("sse", "");
    repeat("sieve", "");
    repeat("hello", "Hello_Solo5");
  }

  private static void repeat(String program, String arguments) throws InterruptedException {
    End first = run(program, arguments, SoftcpuOptions.repeatable(7));
    assertThat(first.result()).isInstanceOf(RunResult.Halted.class);
    for (int i = 1; i < RUNS; i++) {
      assertThat(run(program, arguments, SoftcpuOptions.repeatable(7))).isEqualTo(first);
    }
    assertThat(run(program, arguments, SoftcpuOptions.repeatable(7).interpreting()))
        .isEqualTo(first);
  }

  @Test
  void anotherSeedGivesOtherRandomNumbers() throws InterruptedException {
    End first = run("rdrand", "", SoftcpuOptions.repeatable(7));
    assertThat(run("rdrand", "", SoftcpuOptions.repeatable(8)).text()).isNotEqualTo(first.text());
  }

  private static End run(String program, String arguments, SoftcpuOptions options)
      throws InterruptedException {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    try (Hypervisor hypervisor = Hypervisors.open(options);
        Monitor monitor =
            Monitor.builder()
                .image(program, Guests.image(program))
                .arguments(arguments.split(" ", -1))
                .memoryByteSize(MEMORY_BYTE_SIZE)
                .timeSource(new VirtualTime())
                .entropy(bytes -> {})
                .console(text)
                .hypervisor(hypervisor)
                .build()) {
      RunResult result = monitor.run();
      CRC32C memory = new CRC32C();
      memory.update(monitor.memory().slice(0, MEMORY_BYTE_SIZE).asByteBuffer());
      return new End(result, text.toString(StandardCharsets.US_ASCII), memory.getValue());
    }
  }
}
