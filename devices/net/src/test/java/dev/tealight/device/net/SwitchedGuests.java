// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.Console;
import dev.tealight.Hypervisor;
import dev.tealight.Monitor;
import dev.tealight.MonitorObserver;
import dev.tealight.ReadinessSource;
import dev.tealight.RunHandle;
import dev.tealight.RunResult;
import dev.tealight.device.FrameLink;
import dev.tealight.device.MacAddress;
import dev.tealight.solo5.Solo5Hvt;
import dev.tealight.spi.BootProtocol;
import dev.tealight.testkit.Guests;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;

/** Runs guests on a switch in the JVM, which needs no privilege beyond the backend's. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class SwitchedGuests {
  static final boolean THOROUGH = "nightly".equals(System.getProperty("tealight.effort"));

  /** Ends what hangs, and nothing else. */
  private static final Duration LIMIT = Duration.ofMinutes(THOROUGH ? 30 : 2);

  /** More than there are ports on a switch, which take turns in each queue. */
  private static final int TURNS = 16;

  static final long MEMORY_BYTE_SIZE = 16 << 20;
  static final MacAddress GUEST = MacAddress.parse("02:00:00:00:00:02");
  static final byte[] GUEST_ADDRESS = {10, 0, 0, 2};
  static final byte[] SECOND_ADDRESS = {10, 1, 0, 2};

  final Packets neighbour = new Packets(1, 10, 0, 0, 1);
  private final List<AutoCloseable> open = new ArrayList<>();
  private final List<Running> running = new ArrayList<>();

  /** How many frames the guests with a {@link #device} have taken. */
  private final AtomicLong taken = new AtomicLong();

  private Hypervisor hypervisor;
  private @Nullable VirtualSwitch network;
  private int ports;

  protected abstract Hypervisor open();

  @BeforeAll
  void openHypervisor() {
    hypervisor = open();
  }

  @AfterAll
  void closeHypervisor() {
    if (hypervisor != null) {
      hypervisor.close();
    }
  }

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable resource : open.reversed()) {
      resource.close();
    }
    open.clear();
    running.clear();
    network = null;
  }

  VirtualSwitch network() {
    VirtualSwitch current = network;
    if (current == null) {
      current = new VirtualSwitch();
      network = current;
      open.add(current);
    }
    return current;
  }

  SwitchPort port() {
    return network().port("port" + ports++);
  }

  SwitchEndpoint endpoint() {
    SwitchEndpoint endpoint = port().endpoint();
    open.add(endpoint);
    return endpoint;
  }

  long taken() {
    return taken.get();
  }

  /** The device of the guest under test. */
  NetConfig device(SwitchPort port) {
    return NetConfig.of(mac -> new CountingLink(port.open(mac))).mac(GUEST);
  }

  /** The device of another guest. */
  static NetConfig foreignDevice(SwitchPort port) {
    return NetConfig.of(port).mac(MacAddress.parse("02:0:0:0:0:3"));
  }

  /** Counts what its guest takes. */
  private final class CountingLink implements FrameLink {
    private final FrameLink link;

    CountingLink(FrameLink link) {
      this.link = link;
    }

    @Override
    public int mtu() {
      return link.mtu();
    }

    @Override
    public void send(MemorySegment memory, long offset, int byteSize) throws IOException {
      link.send(memory, offset, byteSize);
    }

    @Override
    public int receive(MemorySegment memory, long offset, int byteSize) throws IOException {
      int length = link.receive(memory, offset, byteSize);
      if (length > 0) {
        taken.getAndIncrement();
      }
      return length;
    }

    @Override
    public ReadinessSource readiness() {
      return link.readiness();
    }

    @Override
    public void close() throws IOException {
      link.close();
    }
  }

  /** A guest that runs. */
  final class Running {
    final Monitor monitor;
    final RunHandle handle;
    private final ByteArrayOutputStream output;
    private final AtomicLong waits;

    Running(Monitor monitor, ByteArrayOutputStream output, AtomicLong waits) {
      this.monitor = monitor;
      this.output = output;
      this.waits = waits;
      handle = monitor.start();
      running.add(this);
    }

    String end() throws InterruptedException {
      RunResult result = handle.await();
      running.remove(this);
      String text = output.toString(StandardCharsets.ISO_8859_1);
      assertThat(result).as(text).isInstanceOf(RunResult.Halted.class);
      assertThat(((RunResult.Halted) result).status()).as(text).isZero();
      return text;
    }

    void stop() throws InterruptedException {
      handle.stop();
      assertThat(handle.await()).isInstanceOf(RunResult.Stopped.class);
      running.remove(this);
    }

    /** {@return how often it has begun to wait} */
    long waits() {
      return waits.get();
    }

    private boolean hasEnded() {
      return handle.result().isPresent();
    }
  }

  /** Lets guests go on until something has happened; fails if one of them has ended without. */
  void await(BooleanSupplier happened) {
    while (!happened.getAsBoolean()) {
      if (running.stream().anyMatch(Running::hasEnded) && !happened.getAsBoolean()) {
        throw new AssertionError(
            "a guest has ended: " + running.stream().map(g -> g.handle.result()).toList());
      }
      letOthersRun();
    }
  }

  static void letOthersRun() {
    LockSupport.parkNanos(100_000);
  }

  Running run(String program, List<NetConfig> devices, String... arguments) {
    return run(Solo5Hvt.PROTOCOL, program, devices, arguments);
  }

  Running run(BootProtocol protocol, String program, List<NetConfig> devices, String... arguments) {
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    AtomicLong waits = new AtomicLong();
    Monitor.Builder builder =
        Monitor.builder()
            .image(program, Guests.image(program))
            .bootProtocol(protocol)
            .memoryByteSize(MEMORY_BYTE_SIZE)
            .arguments(arguments)
            .console(Console.direct(output::write))
            .hypervisor(hypervisor)
            .observer(
                new MonitorObserver() {
                  @Override
                  public void waiting(Monitor monitor, long deadlineNanos) {
                    waits.getAndIncrement();
                  }
                })
            .deadline(LIMIT);
    for (int i = 0; i < devices.size(); i++) {
      builder.device("service" + i, devices.get(i));
    }
    Monitor monitor = builder.build();
    open.add(monitor);
    return new Running(monitor, output, waits);
  }

  static byte[] next(SwitchEndpoint endpoint) throws InterruptedException {
    return endpoint.receive(LIMIT).orElseThrow(() -> new AssertionError("no frame came"));
  }

  /** Finds the guest, which is awake when it has answered. */
  byte[] find(SwitchEndpoint endpoint, int... address) throws InterruptedException {
    endpoint.send(neighbour.arpRequest(address));
    return Packets.macOfReply(answer(endpoint, frame -> Packets.macOfReply(frame).length > 0));
  }

  void ping(SwitchEndpoint endpoint, byte[] mac, byte[] address, int sequence, int size)
      throws InterruptedException {
    byte[] request = neighbour.echoRequest(mac, address, sequence, size);
    endpoint.send(request);
    byte[] _ = answer(endpoint, frame -> Packets.isReply(request, frame));
  }

  /**
   * Takes frames up to the answer to a request that was sent, however many others send. The guest
   * answers a frame before it takes the next one, and in each queue senders take turns: once the
   * guest has taken a few frames more, or has ended, the answer is among the next few.
   */
  private byte[] answer(SwitchEndpoint endpoint, Predicate<byte[]> wanted)
      throws InterruptedException {
    long enough = taken.get() + TURNS;
    int overdue = 0;
    while (overdue <= TURNS) {
      boolean due = taken.get() >= enough || running.stream().anyMatch(Running::hasEnded);
      byte[] frame = next(endpoint);
      if (wanted.test(frame)) {
        return frame;
      }
      overdue += due ? 1 : 0;
    }
    throw new AssertionError("no answer among %d frames after it was due".formatted(overdue));
  }

  /** Frames of these sizes come back as they were, from a guest that echoes them. */
  void assertEchoes(String program, int... sizes) throws InterruptedException {
    SwitchEndpoint endpoint = endpoint();
    Running guest = run(program, List.of(device(port())), "echo", Integer.toString(sizes.length));
    for (int size : sizes) {
      byte[] frame = new byte[size];
      new SplittableRandom(size).nextBytes(frame);
      System.arraycopy(GUEST.toBytes(), 0, frame, 0, 6);
      System.arraycopy(new byte[] {2, 0, 0, 0, 1, 1}, 0, frame, 6, 6);
      endpoint.send(frame);
      byte[] back = next(endpoint);
      assertThat(Arrays.copyOfRange(back, 12, back.length))
          .isEqualTo(Arrays.copyOfRange(frame, 12, size));
    }
    String _ = guest.end();
  }
}
