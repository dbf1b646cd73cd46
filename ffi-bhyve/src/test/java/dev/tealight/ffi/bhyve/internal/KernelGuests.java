// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.Console;
import dev.tealight.ExitCounts;
import dev.tealight.ExitKind;
import dev.tealight.Hypervisor;
import dev.tealight.Monitor;
import dev.tealight.MonitorObserver;
import dev.tealight.ReadinessSource;
import dev.tealight.RunHandle;
import dev.tealight.RunResult;
import dev.tealight.TimeSource;
import dev.tealight.device.FrameLink;
import dev.tealight.device.MacAddress;
import dev.tealight.device.block.BlockConfig;
import dev.tealight.device.net.NetConfig;
import dev.tealight.device.net.SwitchEndpoint;
import dev.tealight.device.net.VirtualSwitch;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.multiboot.Multiboot;
import dev.tealight.testkit.Guests;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Multiboot kernels with virtio devices, by the interrupt controllers and timer of the kernel. */
abstract class KernelGuests {
  static final byte[] FIRST_SECTOR =
      Arrays.copyOf("first sector\0".getBytes(StandardCharsets.US_ASCII), 64 * 512);

  private static final int QUEUE = 16 << 20; // bytes of frames
  static final MacAddress GUEST = MacAddress.parse("02:00:00:00:00:02");
  private static final MacAddress NEIGHBOUR = MacAddress.parse("02:00:00:00:00:01");
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private Hypervisor hypervisor;
  private final ByteArrayOutputStream output = new ByteArrayOutputStream();

  abstract Hypervisor open();

  @BeforeEach
  void openHypervisor() {
    hypervisor = open();
  }

  @AfterEach
  void closeHypervisor() {
    if (hypervisor != null) { // else the test is skipped
      hypervisor.close();
    }
  }

  private Monitor.Builder kernel(String name, Multiboot protocol) {
    return Monitor.builder()
        .image(name + ".elf", Guests.kernel(name))
        .bootProtocol(protocol)
        .memoryByteSize(16 << 20)
        .console(Console.direct(output::write))
        .deadline(Duration.ofSeconds(60))
        .hypervisor(hypervisor);
  }

  private String text() {
    return output.toString(StandardCharsets.US_ASCII);
  }

  @Test
  void kernelFindsItsTimerItsClockAndItsDevices() throws InterruptedException {
    Multiboot protocol =
        Multiboot.PROTOCOL
            .withDevice("disk1", "BLOCK_BASIC")
            .withDevice("disk2", "BLOCK_BASIC")
            .withModules(new Multiboot.Module("first", "text".getBytes(StandardCharsets.US_ASCII)));
    try (Monitor monitor =
        kernel("pc", protocol)
            .arguments("one", "two")
            .device("disk1", BlockConfig.memory(FIRST_SECTOR))
            .device("disk2", BlockConfig.memory(FIRST_SECTOR))
            .build()) {
      RunResult result = monitor.run();
      assertThat(text())
          .as("%s", result)
          .contains("command line: pc.elf one two\nmodule: first: text\n")
          .contains("ticks while halted\nticks while computing\none tick\n")
          .endsWith("block devices 0x00000002\nSUCCESS\n");
      assertThat(result).isEqualTo(new RunResult.Halted(0));
    }
  }

  static byte[] frame(int byteSize, char first) {
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

  @ParameterizedTest
  @ValueSource(strings = {"halted", "busy"})
  void framesReachAKernelByInterruptsAndComeBack(String how) throws InterruptedException {
    try (VirtualSwitch network = new VirtualSwitch();
        SwitchEndpoint neighbour = network.port("neighbour").endpoint();
        Monitor monitor =
            kernel("echo", Multiboot.PROTOCOL.withDevice("net", "NET_BASIC"))
                .arguments(how)
                .device("net", NetConfig.of(network.port("guest")).mac(GUEST).mtu(1400))
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
      assertThat(text()).isEqualTo("MTU 0x00000578\nSUCCESS\n");
    }
  }

  /** What is done with a guest that sends frames back. */
  private interface EchoTest {
    void run(RunHandle handle, SwitchEndpoint neighbour) throws InterruptedException;
  }

  /** The guest sends a frame first, and sleeps in the kernel until one comes. */
  private void whileEchoing(EchoTest test) throws InterruptedException {
    try (VirtualSwitch network = new VirtualSwitch();
        SwitchEndpoint neighbour = network.port("neighbour").endpoint();
        Monitor monitor =
            kernel("echo", Multiboot.PROTOCOL.withDevice("net", "NET_BASIC"))
                .arguments("halted")
                .device("net", NetConfig.of(network.port("guest", QUEUE)).mac(GUEST).mtu(1400))
                .build()) {
      RunHandle handle = monitor.start();
      assertThat(next(neighbour)).hasSize(60);
      test.run(handle, neighbour);
      handle.stop();
      assertThat(handle.await()).isEqualTo(new RunResult.Stopped());
    }
  }

  private static void assertEchoes(SwitchEndpoint neighbour) throws InterruptedException {
    neighbour.send(frame(99, '.'));
    assertThat(next(neighbour)).hasSize(99);
  }

  @Test
  void guestThatWaitsForFramesIsStopped() throws InterruptedException {
    whileEchoing((handle, neighbour) -> assertEchoes(neighbour));
  }

  @Test
  void guestThatWaitsForFramesIsPausedAndTakesWhatCameMeanwhile() throws InterruptedException {
    whileEchoing(
        (handle, neighbour) -> {
          for (int i = 0; i < 3; i++) {
            handle.pause();
            neighbour.send(frame(99, '.'));
            assertThat(neighbour.receive(Duration.ofMillis(20))).isEmpty();
            handle.resume();
            assertThat(next(neighbour)).hasSize(99);
            assertEchoes(neighbour);
          }
        });
  }

  /** More than the device looks at in one go, and nobody tells of what is left. */
  @Test
  void frameThatFitsComesBehindManyThatDoNot() throws InterruptedException {
    whileEchoing(
        (handle, neighbour) -> {
          assertEchoes(neighbour);
          handle.pause();
          for (int i = 0; i < 3000; i++) {
            neighbour.send(frame(1600, '.'));
          }
          neighbour.send(frame(99, '.'));
          handle.resume();
          assertThat(next(neighbour)).hasSize(99);
        });
  }

  @Test
  void guestThatWaitsForFramesEndsAtItsDeadline() throws InterruptedException {
    Duration limit = Duration.ofMillis(300);
    try (VirtualSwitch network = new VirtualSwitch();
        Monitor monitor =
            kernel("echo", Multiboot.PROTOCOL.withDevice("net", "NET_BASIC"))
                .arguments("halted")
                .device("net", NetConfig.of(network.port("guest")).mac(GUEST))
                .deadline(limit)
                .build()) {
      assertThat(monitor.run()).isEqualTo(new RunResult.DeadlineExceeded(limit));
    }
  }

  @Test
  void clockIsTheMonitors() throws InterruptedException {
    LocalDateTime date = LocalDateTime.of(2031, 12, 9, 23, 58, 7);
    try (Monitor monitor =
        kernel("pc", Multiboot.PROTOCOL).timeSource(new FixedDate(date)).build()) {
      assertThat(monitor.run()).isEqualTo(new RunResult.Halted(0));
      assertThat(text()).contains("date 2031\n");
    }
  }

  /** The host's time, on another day. */
  private record FixedDate(LocalDateTime date) implements TimeSource {
    @Override
    public long monotonicNanos() {
      return System.nanoTime();
    }

    @Override
    public long wallClockNanos() {
      return TimeUnit.SECONDS.toNanos(date.toEpochSecond(ZoneOffset.UTC));
    }
  }

  /**
   * A frame link whose descriptor an event counter is, as a tap's is: it stays ready until read.
   */
  private static final class CountedLink implements FrameLink, ReadinessSource {
    private final HostCalls host = HostCalls.system();
    private final Descriptor event = Descriptor.event(host);
    private final Queue<byte[]> arriving = new ConcurrentLinkedQueue<>();
    private final BlockingQueue<byte[]> sent = new LinkedBlockingQueue<>();
    private final AtomicInteger asked = new AtomicInteger();

    void arrive(byte[] frame) {
      arriving.add(frame);
      try (Arena arena = Arena.ofConfined()) {
        assertThat(host.write(event.number(), arena.allocateFrom(ValueLayout.JAVA_LONG, 1)))
            .isEqualTo(8);
      }
    }

    byte[] next() throws InterruptedException {
      byte[] frame = sent.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      if (frame == null) {
        throw new AssertionError("no frame came");
      }
      return frame;
    }

    @Override
    public int mtu() {
      return 1500;
    }

    @Override
    public void send(MemorySegment memory, long offset, int byteSize) {
      sent.add(memory.asSlice(offset, byteSize).toArray(ValueLayout.JAVA_BYTE));
    }

    @Override
    public int receive(MemorySegment memory, long offset, int byteSize) {
      asked.incrementAndGet();
      byte[] frame = arriving.poll();
      if (frame == null) {
        try (Arena arena = Arena.ofConfined()) {
          long _ = host.read(event.number(), arena.allocate(ValueLayout.JAVA_LONG));
        }
        frame = arriving.poll(); // one that came meanwhile
      }
      if (frame == null) {
        return 0;
      }
      MemorySegment.copy(frame, 0, memory, ValueLayout.JAVA_BYTE, offset, frame.length);
      return frame.length;
    }

    @Override
    public ReadinessSource readiness() {
      return this;
    }

    @Override
    public boolean isReady() {
      return !arriving.isEmpty();
    }

    @Override
    public int descriptor() {
      return event.number();
    }

    @Override
    public void close() {
      event.close();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"halted", "busy"})
  void inputAtADescriptorReachesAKernel(String how) throws InterruptedException {
    CountedLink link = new CountedLink();
    try (Monitor monitor =
        kernel("echo", Multiboot.PROTOCOL.withDevice("net", "NET_BASIC"))
            .arguments(how)
            .device("net", NetConfig.of(guest -> link).mac(GUEST))
            .build()) {
      RunHandle handle = monitor.start();
      assertThat(link.next()).hasSize(60);
      for (int size = 60; size < 90; size++) {
        link.arrive(frame(size, '.'));
        assertThat(link.next()).hasSize(size);
      }
      // Far more than the guest has buffers for.
      for (int i = 0; i < 100; i++) {
        link.arrive(frame(200 + i, '.'));
      }
      for (int i = 0; i < 100; i++) {
        assertThat(link.next()).hasSize(200 + i);
      }
      link.arrive(frame(60, 'e'));
      assertThat(link.next()).hasSize(60);
      assertThat(handle.await()).isEqualTo(new RunResult.Halted(0));
    }
  }

  @Test
  void inputThatFindsNoRoomDoesNotKeepTheGuestAwake() throws InterruptedException {
    CountedLink unused = new CountedLink();
    AtomicLong kicks = new AtomicLong();
    MonitorObserver counting =
        new MonitorObserver() {
          @Override
          public void ended(Monitor monitor, RunResult result, ExitCounts exits) {
            kicks.set(exits.of(ExitKind.INTERRUPTED));
          }
        };
    try (VirtualSwitch network = new VirtualSwitch();
        SwitchEndpoint neighbour = network.port("neighbour").endpoint();
        Monitor monitor =
            kernel(
                    "echo",
                    Multiboot.PROTOCOL
                        .withDevice("net", "NET_BASIC")
                        .withDevice("unused", "NET_BASIC"))
                .arguments("halted")
                .device("net", NetConfig.of(network.port("guest")).mac(GUEST))
                .device("unused", NetConfig.of(guest -> unused))
                .observer(counting)
                .build()) {
      RunHandle handle = monitor.start();
      assertThat(next(neighbour)).hasSize(60);
      unused.arrive(frame(60, '.'));
      Thread.sleep(200); // in which the guest would be kicked
      assertEchoes(neighbour);
      assertEchoes(neighbour);
      handle.stop();
      assertThat(handle.await()).isEqualTo(new RunResult.Stopped());
      assertThat(unused.asked).as("the guest has no driver for it").hasValue(0);
      assertThat(kicks.get()).isLessThan(20);
    }
  }
}
