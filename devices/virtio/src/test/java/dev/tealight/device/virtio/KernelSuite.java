// SPDX-License-Identifier: ISC
package dev.tealight.device.virtio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ConfigurationException;
import dev.tealight.Console;
import dev.tealight.Hypervisor;
import dev.tealight.Image;
import dev.tealight.Monitor;
import dev.tealight.RunResult;
import dev.tealight.device.block.BlockConfig;
import dev.tealight.multiboot.Multiboot;
import dev.tealight.spi.BootContext;
import dev.tealight.spi.BootImage;
import dev.tealight.spi.BootProtocol;
import dev.tealight.spi.GuestArchitecture;
import dev.tealight.spi.HypercallConvention;
import dev.tealight.testkit.Guests;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Multiboot kernels on a real backend, with all of the platform around them. */
abstract class KernelSuite {
  private static final byte[] FIRST_SECTOR =
      Arrays.copyOf("first sector\0".getBytes(StandardCharsets.US_ASCII), 64 * 512);

  private Hypervisor hypervisor;

  abstract Hypervisor open();

  @BeforeEach
  void openHypervisor() {
    hypervisor = open();
  }

  @AfterEach
  void closeHypervisor() {
    if (hypervisor != null) {
      hypervisor.close();
    }
  }

  /** A kernel with a manifest of block devices, as Solo5's images have. */
  private record Declaring(BootProtocol kernel, int disks) implements BootProtocol {
    @Override
    public String name() {
      return "declaring";
    }

    @Override
    public BootImage open(Image image) {
      return new Declared(kernel.open(image), disks);
    }
  }

  private record Declared(BootImage kernel, int disks) implements BootImage {
    @Override
    public GuestArchitecture architecture() {
      return kernel.architecture();
    }

    @Override
    public List<DeclaredDevice> devices() {
      return IntStream.rangeClosed(1, disks)
          .mapToObj(i -> new DeclaredDevice("disk" + i, "BLOCK_BASIC", i))
          .toList();
    }

    @Override
    public long memoryByteSize(long requestedByteSize) {
      return kernel.memoryByteSize(requestedByteSize);
    }

    @Override
    public HypercallConvention hypercalls() {
      return kernel.hypercalls();
    }

    @Override
    public Optional<String> platform() {
      return kernel.platform();
    }

    @Override
    public void boot(BootContext context) {
      kernel.boot(context);
    }
  }

  private Monitor.Builder kernel(BootProtocol protocol, int disks) {
    Monitor.Builder builder =
        Monitor.builder()
            .image("pc.elf", Guests.kernel("pc"))
            .bootProtocol(new Declaring(protocol, disks))
            .memoryByteSize(16 << 20)
            .arguments("one", "two")
            .deadline(Duration.ofSeconds(60))
            .hypervisor(hypervisor);
    for (int i = 1; i <= disks; i++) {
      builder.device("disk" + i, BlockConfig.memory(FIRST_SECTOR));
    }
    return builder;
  }

  @Test
  void kernelFindsItsBootInformationItsTimerAndItsDevices() throws InterruptedException {
    BootProtocol protocol =
        Multiboot.withModules(
            new Multiboot.Module("first", "text".getBytes(StandardCharsets.US_ASCII)),
            new Multiboot.Module("second", new byte[0]));
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    try (Monitor monitor = kernel(protocol, 3).console(Console.direct(output::write)).build()) {
      RunResult result = monitor.run();
      assertThat(output.toString(StandardCharsets.US_ASCII))
          .as("%s", result)
          .contains("command line: pc.elf one two\n")
          .contains("module: first: text\nmodule: second: \n")
          .contains("ticks while halted\nticks while computing\none tick\n")
          .contains("sectors 0x00000040\n")
          .endsWith("block devices 0x00000003\nSUCCESS\n");
      assertThat(result).isEqualTo(new RunResult.Halted(0));
    }
  }

  @Test
  void kernelWithoutDevicesFindsAnEmptyBus() throws InterruptedException {
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    try (Monitor monitor =
        kernel(Multiboot.PROTOCOL, 0).console(Console.direct(output::write)).build()) {
      assertThat(monitor.run()).isEqualTo(new RunResult.Halted(0));
      assertThat(output.toString(StandardCharsets.US_ASCII)).contains("block devices 0x00000000");
    }
  }

  @Test
  void moreDevicesThanSlotsAreRefused() {
    assertThatThrownBy(() -> kernel(Multiboot.PROTOCOL, 32).build())
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("device disk32 finds no slot: a PCI bus has 31 for devices");
  }

  @Test
  void sectorSizeThatAGuestCannotBeToldIsRefused() {
    Monitor.Builder builder =
        Monitor.builder()
            .image("pc.elf", Guests.kernel("pc"))
            .bootProtocol(new Declaring(Multiboot.PROTOCOL, 1))
            .hypervisor(hypervisor)
            .device("disk1", BlockConfig.memory(1 << 20).sectorByteSize(4096));
    assertThatThrownBy(builder::build)
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "device disk1 has sectors of 4096 bytes, but a virtio guest can only be told of 512");
  }
}
