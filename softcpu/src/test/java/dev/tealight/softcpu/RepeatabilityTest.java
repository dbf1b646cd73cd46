// SPDX-License-Identifier: ISC
package dev.tealight.softcpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.Console;
import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;
import dev.tealight.Monitor;
import dev.tealight.RunResult;
import dev.tealight.testkit.Guests;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
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
  void runsThatTakeAllKindsOfInputEndWithTheSameMemory() throws InterruptedException {
    repeat("inputs", "200");
  }

  @Test
  void runsThatSleepEndWithTheSameMemory() throws InterruptedException {
    repeat("time", "");
    repeat("poll", "");
    repeat("threads", "");
  }

  @Test
  void runsThatComputeEndWithTheSameMemory() throws InterruptedException {
    repeat("rdrand", "");
    repeat("sha256", "20000");
    repeat("nbody", "100");
    repeat("sse", "");
    repeat("sieve", "");
    repeat("hello", "Hello_Solo5");
  }

  private static void repeat(String program, String arguments) throws InterruptedException {
    End first = run(program, arguments, SoftcpuOptions.repeatable(7));
    assertThat(first.result()).isEqualTo(new RunResult.Halted(0));
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

  @Test
  void anotherSeedGivesDevicesOtherRandomBytes() throws InterruptedException {
    End first = run("inputs", "0", SoftcpuOptions.repeatable(7));
    assertThat(run("inputs", "0", SoftcpuOptions.repeatable(8)).memory())
        .isNotEqualTo(first.memory());
  }

  @Test
  void waitsForTheConsoleTakeNoVirtualTimeAndLoseNothing() throws InterruptedException {
    SoftcpuOptions options = SoftcpuOptions.repeatable(7);
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    Console slow =
        Console.to(
            (bytes, offset, length) -> {
              LockSupport.parkNanos(1_000_000);
              text.write(bytes, offset, length);
            });
    End end = run("output", "", options, slow.capacity(256).patience(Duration.ofMinutes(1)));
    assertThat(new End(end.result(), text.toString(StandardCharsets.US_ASCII), end.memory()))
        .isEqualTo(run("output", "", options));
  }

  private static End run(String program, String arguments, SoftcpuOptions options)
      throws InterruptedException {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    End end = run(program, arguments, options, Console.to((OutputStream) text));
    return new End(end.result(), text.toString(StandardCharsets.US_ASCII), end.memory());
  }

  private static End run(String program, String arguments, SoftcpuOptions options, Console console)
      throws InterruptedException {
    try (Hypervisor hypervisor = Hypervisors.open(options);
        Monitor monitor = monitor(program, arguments, hypervisor, console)) {
      RunResult result = monitor.run();
      CRC32C memory = new CRC32C();
      memory.update(monitor.memory().slice(0, MEMORY_BYTE_SIZE).asByteBuffer());
      return new End(result, "", memory.getValue());
    }
  }

  private static Monitor monitor(
      String program, String arguments, Hypervisor hypervisor, Console console) {
    Monitor.Builder builder =
        Monitor.builder()
            .image(program, Guests.image(program))
            .arguments(arguments.split(" ", -1))
            .memoryByteSize(MEMORY_BYTE_SIZE)
            .console(console)
            .hypervisor(hypervisor);
    if (program.equals("inputs")) {
      builder.device("storage", name -> new InputDevices.Disk());
      builder.device("service0", name -> new InputDevices.Echo());
    }
    return builder.build();
  }
}
