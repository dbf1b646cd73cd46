// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.Console;
import dev.tealight.Monitor;
import dev.tealight.RunHandle;
import dev.tealight.RunResult;
import dev.tealight.TimeSource;
import dev.tealight.device.block.BlockConfig;
import dev.tealight.device.net.NetConfig;
import dev.tealight.device.net.SwitchEndpoint;
import dev.tealight.device.net.VirtualSwitch;
import dev.tealight.ffi.bhyve.BhyveOptions;
import dev.tealight.multiboot.Multiboot;
import dev.tealight.testkit.Guests;
import dev.tealight.testkit.QueueLink;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * Multiboot kernels, to be recorded: interrupts of the timer and of devices, halts that end by them
 * and by kicks. How many ticks come is the host's matter, but what the guests do after them is not.
 */
final class KernelRecording {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** A day in 2031, so that the guest's date is the same whenever it is replayed. */
  private static final TimeSource TIME =
      new TimeSource() {
        @Override
        public long monotonicNanos() {
          return System.nanoTime();
        }

        @Override
        public long wallClockNanos() {
          return 1_955_000_000_000_000_000L;
        }
      };

  private final VmmModel kernel;
  private final BhyveHypervisor hypervisor;
  private final RecordingHostCalls recording;
  private final ByteArrayOutputStream output = new ByteArrayOutputStream();

  private KernelRecording(VmmModel kernel, BhyveHypervisor hypervisor) {
    this.kernel = kernel;
    this.hypervisor = hypervisor;
    recording = hypervisor.recording().orElseThrow();
  }

  /** Records them on a kernel. */
  static void record(VmmModel kernel, Path file) throws InterruptedException {
    BhyveOptions options = new BhyveOptions(false, Duration.ofSeconds(2), Optional.of(file));
    try (BhyveHypervisor hypervisor = BhyveHypervisor.open(kernel.host(), options)) {
      new KernelRecording(kernel, hypervisor).all();
    }
  }

  private Monitor.Builder kernel(String name, Multiboot protocol) {
    return Monitor.builder()
        .image(name + ".elf", Guests.kernel(name))
        .bootProtocol(protocol)
        .memoryByteSize(4 << 20)
        .timeSource(TIME)
        .console(Console.direct(output::write))
        .deadline(Duration.ofSeconds(60))
        .hypervisor(hypervisor);
  }

  private void all() throws InterruptedException {
    recording.mark("a kernel with timer, clock and block devices", 0);
    run(
        kernel(
                "pc",
                Multiboot.PROTOCOL
                    .withDevice("disk1", "BLOCK_BASIC")
                    .withDevice("disk2", "BLOCK_BASIC"))
            .device("disk1", BlockConfig.memory(KernelGuests.FIRST_SECTOR))
            .device("disk2", BlockConfig.memory(KernelGuests.FIRST_SECTOR)));
    assertThat(output.toString(StandardCharsets.US_ASCII))
        .contains("date 2031\nticks while halted\n")
        .endsWith("block devices 0x00000002\nSUCCESS\n");
    recording.mark("a kernel that polls a block device", 0);
    run(
        kernel("sectors", Multiboot.PROTOCOL.withDevice("disk", "BLOCK_BASIC"))
            .arguments("50")
            .device("disk", BlockConfig.memory(KernelGuests.FIRST_SECTOR)));
    recording.mark("a halted kernel that is sent a frame", 0);
    echo();
    recording.mark("a kernel that finds frames", 0);
    echoWaiting();
  }

  private static void run(Monitor.Builder builder) throws InterruptedException {
    try (Monitor monitor = builder.build()) {
      assertThat(monitor.run()).isEqualTo(new RunResult.Halted(0));
    }
  }

  /**
   * The guest is sent one frame, which ends it. In a replay the kick comes before the guest halts,
   * and so it does the same: it has not looked for another frame.
   */
  private void echo() throws InterruptedException {
    try (VirtualSwitch network = new VirtualSwitch();
        SwitchEndpoint neighbour = network.port("neighbour").endpoint();
        Monitor monitor =
            kernel("echo", Multiboot.PROTOCOL.withDevice("net", "NET_BASIC"))
                .arguments("halted")
                .device("net", NetConfig.of(network.port("guest")).mac(KernelGuests.GUEST))
                .build()) {
      RunHandle handle = monitor.start();
      assertThat(neighbour.receive(PATIENCE)).isPresent();
      awaitSleep();
      neighbour.send(frame('e'));
      assertThat(neighbour.receive(PATIENCE)).isPresent();
      assertThat(handle.await()).isEqualTo(new RunResult.Halted(0));
    }
  }

  /** Frames are there before the guest asks: it takes them by exits of its own. */
  private void echoWaiting() throws InterruptedException {
    QueueLink link = new QueueLink();
    for (int i = 0; i < 20; i++) {
      link.arrive(frame(i < 19 ? '.' : 'e'));
    }
    run(
        kernel("echo", Multiboot.PROTOCOL.withDevice("net", "NET_BASIC"))
            .arguments("halted")
            .device("net", NetConfig.of(guest -> link).mac(KernelGuests.GUEST)));
    assertThat(link.sent()).hasSize(21);
  }

  private static byte[] frame(char first) {
    byte[] frame = new byte[60];
    System.arraycopy(KernelGuests.GUEST.toBytes(), 0, frame, 0, 6);
    frame[14] = (byte) first;
    return frame;
  }

  /** Until the guest is halted: then all that it does follows from what it is sent. */
  private void awaitSleep() {
    ModelVcpu vcpu = Objects.requireNonNull(kernel.vms.values().iterator().next().vcpu(0));
    RawVm.await(vcpu::isAsleep);
  }
}
