// SPDX-License-Identifier: ISC
package dev.tealight.device.virtio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ConfigurationException;
import dev.tealight.Console;
import dev.tealight.Hypervisor;
import dev.tealight.Monitor;
import dev.tealight.RunHandle;
import dev.tealight.RunResult;
import dev.tealight.device.Device;
import dev.tealight.device.DeviceContext;
import dev.tealight.device.MacAddress;
import dev.tealight.device.block.BlockConfig;
import dev.tealight.device.net.NetConfig;
import dev.tealight.device.net.SwitchEndpoint;
import dev.tealight.device.net.VirtualSwitch;
import dev.tealight.multiboot.Multiboot;
import dev.tealight.testkit.Guests;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Multiboot kernels on a real backend, with all of the platform around them. */
abstract class KernelSuite {
  private static final byte[] FIRST_SECTOR =
      Arrays.copyOf("first sector\0".getBytes(StandardCharsets.US_ASCII), 64 * 512);

  private static final MacAddress GUEST = MacAddress.parse("02:00:00:00:00:02");
  private static final MacAddress NEIGHBOUR = MacAddress.parse("02:00:00:00:00:01");
  private static final Duration PATIENCE = Duration.ofSeconds(30);

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

  private Monitor.Builder kernel(Multiboot kernel, int disks) {
    Multiboot protocol = kernel;
    for (int i = 1; i <= disks; i++) {
      protocol = protocol.withDevice("disk" + i, "BLOCK_BASIC");
    }
    Monitor.Builder builder =
        Monitor.builder()
            .image("pc.elf", Guests.kernel("pc"))
            .bootProtocol(protocol)
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
    Multiboot protocol =
        Multiboot.PROTOCOL.withModules(
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
            .bootProtocol(Multiboot.PROTOCOL.withDevice("disk1", "BLOCK_BASIC"))
            .hypervisor(hypervisor)
            .device("disk1", BlockConfig.memory(1 << 20).sectorByteSize(4096));
    assertThatThrownBy(builder::build)
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "device disk1 has sectors of 4096 bytes, but a virtio guest can only be told of 512");
  }

  private Monitor.Builder declaring(String name, String type) {
    return Monitor.builder()
        .image("pc.elf", Guests.kernel("pc"))
        .bootProtocol(Multiboot.PROTOCOL.withDevice(name, type))
        .hypervisor(hypervisor);
  }

  private static void assertRefused(Monitor.Builder builder, String why) {
    assertThatThrownBy(builder::build).isInstanceOf(ConfigurationException.class).hasMessage(why);
  }

  @Test
  void surplusMissingAndMistypedDevicesAreNamed() {
    assertRefused(
        declaring("disk", "BLOCK_BASIC"),
        "device disk of type BLOCK_BASIC is declared by pc.elf but not attached: attach one by this"
            + " name; its manifest has disk (BLOCK_BASIC)");
    assertRefused(
        declaring("disk", "BLOCK_BASIC")
            .device("disk", BlockConfig.memory(1 << 20))
            .device("other", BlockConfig.memory(1 << 20)),
        "device other is attached but not declared by pc.elf; its manifest has disk (BLOCK_BASIC)");
    try (VirtualSwitch network = new VirtualSwitch()) {
      assertRefused(
          declaring("disk", "BLOCK_BASIC").device("disk", NetConfig.of(network.port("guest"))),
          "device disk is declared by pc.elf with type BLOCK_BASIC but attached with type"
              + " NET_BASIC; its manifest has disk (BLOCK_BASIC)");
    }
  }

  /** Knows hypercalls only. */
  private static final class Foreign implements Device {
    @Override
    public String type() {
      return "FOREIGN";
    }

    @Override
    public void activate(DeviceContext context) {
      context.pollable(() -> false);
    }

    @Override
    public void close() {}
  }

  @Test
  void deviceThatIsNotOnTheBusIsRefusedBecauseLaterOnesWouldTakeItsPlace() {
    assertRefused(
        declaring("thing", "FOREIGN").device("thing", new Foreign()),
        "device thing of type FOREIGN has 0 PCI functions, expected 1: its guest finds devices on"
            + " the PCI bus, in the manifest's order");
  }

  private static byte[] frame(int byteSize, char first) {
    byte[] frame = new byte[byteSize];
    Arrays.fill(frame, (byte) byteSize);
    System.arraycopy(GUEST.toBytes(), 0, frame, 0, 6);
    System.arraycopy(NEIGHBOUR.toBytes(), 0, frame, 6, 6);
    frame[12] = (byte) 0x88;
    frame[13] = (byte) 0xb5;
    frame[14] = (byte) first;
    return frame;
  }

  private static byte[] next(SwitchEndpoint endpoint) throws InterruptedException {
    return endpoint.receive(PATIENCE).orElseThrow(() -> new AssertionError("no frame came"));
  }

  @Test
  void kernelReadsSectorsOneByOne() throws InterruptedException {
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    try (Monitor monitor =
        Monitor.builder()
            .image("sectors.elf", Guests.kernel("sectors"))
            .bootProtocol(Multiboot.PROTOCOL.withDevice("disk", "BLOCK_BASIC"))
            .memoryByteSize(16 << 20)
            .arguments("300")
            .device("disk", BlockConfig.memory(FIRST_SECTOR))
            .console(Console.direct(output::write))
            .deadline(Duration.ofSeconds(60))
            .hypervisor(hypervisor)
            .build()) {
      assertThat(monitor.run()).isEqualTo(new RunResult.Halted(0));
      assertThat(output.toString(StandardCharsets.US_ASCII)).isEqualTo("start\nend\n");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"halted", "busy"})
  void framesReachAKernelByInterruptsAndComeBack(String how) throws InterruptedException {
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    try (VirtualSwitch network = new VirtualSwitch();
        SwitchEndpoint neighbour = network.port("neighbour").endpoint();
        Monitor monitor =
            Monitor.builder()
                .image("echo.elf", Guests.kernel("echo"))
                .bootProtocol(Multiboot.PROTOCOL.withDevice("net", "NET_BASIC"))
                .memoryByteSize(16 << 20)
                .arguments(how)
                .device("net", NetConfig.of(network.port("guest")).mac(GUEST).mtu(1400))
                .console(Console.direct(output::write))
                .deadline(Duration.ofSeconds(60))
                .hypervisor(hypervisor)
                .build()) {
      RunHandle handle = monitor.start();
      assertThat(Arrays.copyOfRange(next(neighbour), 6, 12)).isEqualTo(GUEST.toBytes());
      for (int size : new int[] {60, 61, 300, 1414}) {
        neighbour.send(frame(size, '.'));
        assertThat(Arrays.copyOfRange(next(neighbour), 12, size))
            .isEqualTo(Arrays.copyOfRange(frame(size, '.'), 12, size));
      }
      neighbour.send(frame(60, 'e'));
      assertThat(next(neighbour)).hasSize(60);
      assertThat(handle.await()).isEqualTo(new RunResult.Halted(0));
      assertThat(output.toString(StandardCharsets.US_ASCII)).isEqualTo("MTU 0x00000578\nSUCCESS\n");
    }
  }
}
