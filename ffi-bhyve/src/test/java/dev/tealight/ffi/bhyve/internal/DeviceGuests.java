// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.Console;
import dev.tealight.Hypervisor;
import dev.tealight.Monitor;
import dev.tealight.RunHandle;
import dev.tealight.RunResult;
import dev.tealight.device.DeviceConfig;
import dev.tealight.device.MacAddress;
import dev.tealight.device.block.BlockConfig;
import dev.tealight.device.net.NetConfig;
import dev.tealight.device.net.SwitchPort;
import dev.tealight.device.net.VirtualSwitch;
import dev.tealight.testkit.Guests;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Guests with the block and net devices that monitors have, instead of the testkit's. */
abstract class DeviceGuests {
  private static final Duration LIMIT = Duration.ofMinutes(2);

  /** {@return what runs them, closed by the test} */
  abstract Hypervisor open();

  private static Monitor monitor(
      Hypervisor hypervisor,
      String program,
      String name,
      DeviceConfig device,
      ByteArrayOutputStream output,
      String... arguments) {
    return Monitor.builder()
        .image(program, Guests.image(program))
        .memoryByteSize(16 << 20)
        .arguments(arguments)
        .device(name, device)
        .console(Console.direct(output::write))
        .hypervisor(hypervisor)
        .deadline(LIMIT)
        .build();
  }

  private static String end(RunHandle handle, ByteArrayOutputStream output)
      throws InterruptedException {
    RunResult result = handle.await();
    String text = output.toString(StandardCharsets.ISO_8859_1);
    assertThat(result).as(text).isInstanceOf(RunResult.Halted.class);
    assertThat(((RunResult.Halted) result).status()).as(text).isZero();
    return text;
  }

  @Test
  void blocksReachTheFile(@TempDir Path folder) throws IOException, InterruptedException {
    Path disk = Files.write(folder.resolve("disk.img"), new byte[1 << 20]);
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    try (Hypervisor hypervisor = open();
        Monitor monitor = monitor(hypervisor, "blk", "storage", BlockConfig.file(disk), output)) {
      assertThat(end(monitor.start(), output)).contains("SUCCESS");
    }
    byte[] written = Files.readAllBytes(disk);
    assertThat(written).hasSize(1 << 20);
    assertThat(written[(1 << 20) - 1]).as("the last block has its pattern").isNotZero();
  }

  @Test
  void framesOfOneGuestReachAnother() throws InterruptedException {
    ByteArrayOutputStream took = new ByteArrayOutputStream();
    ByteArrayOutputStream sent = new ByteArrayOutputStream();
    try (Hypervisor hypervisor = open();
        VirtualSwitch network = new VirtualSwitch()) {
      SwitchPort port = network.port("to", 8 << 20);
      NetConfig to = NetConfig.of(port).mac(MacAddress.parse("02:0:0:0:0:2"));
      NetConfig from = NetConfig.of(network.port("from")).mac(MacAddress.parse("02:0:0:0:0:3"));
      try (Monitor sink = monitor(hypervisor, "frames", "service0", to, took, "sink", "200");
          Monitor source =
              monitor(hypervisor, "frames", "service0", from, sent, "source", "200", "1514", "2")) {
        RunHandle taking = sink.start();
        assertThat(end(source.start(), sent)).contains("sent 200 frames");
        assertThat(end(taking, took)).contains("took 200 frames, 302800 bytes");
      }
      assertThat(port.counters().droppedFrames()).isZero();
    }
  }
}
