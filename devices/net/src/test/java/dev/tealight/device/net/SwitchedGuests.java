// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.Console;
import dev.tealight.Hypervisor;
import dev.tealight.Monitor;
import dev.tealight.RunHandle;
import dev.tealight.RunResult;
import dev.tealight.device.MacAddress;
import dev.tealight.solo5.Solo5Hvt;
import dev.tealight.spi.BootProtocol;
import dev.tealight.testkit.Guests;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;

/** Runs guests on a switch in the JVM, which needs no privilege beyond the backend's. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class SwitchedGuests {
  static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Duration LIMIT = Duration.ofMinutes(2);
  static final MacAddress GUEST = MacAddress.parse("02:00:00:00:00:02");
  static final byte[] GUEST_ADDRESS = {10, 0, 0, 2};
  static final byte[] SECOND_ADDRESS = {10, 1, 0, 2};

  final Packets neighbour = new Packets(1, 10, 0, 0, 1);
  private final List<AutoCloseable> open = new ArrayList<>();
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

  static NetConfig device(SwitchPort port) {
    return NetConfig.of(port).mac(GUEST);
  }

  /** A guest that runs. */
  record Running(RunHandle handle, ByteArrayOutputStream output) {
    String end() throws InterruptedException {
      RunResult result = handle.await(LIMIT).orElseThrow(() -> new AssertionError("no end"));
      String text = output.toString(StandardCharsets.ISO_8859_1);
      assertThat(result).as(text).isInstanceOf(RunResult.Halted.class);
      assertThat(((RunResult.Halted) result).status()).as(text).isZero();
      return text;
    }
  }

  Running run(String program, List<NetConfig> devices, String... arguments) {
    return run(Solo5Hvt.PROTOCOL, program, devices, arguments);
  }

  Running run(BootProtocol protocol, String program, List<NetConfig> devices, String... arguments) {
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    Monitor.Builder builder =
        Monitor.builder()
            .image(program, Guests.image(program))
            .bootProtocol(protocol)
            .memoryByteSize(16 << 20)
            .arguments(arguments)
            .console(Console.direct(output::write))
            .hypervisor(hypervisor)
            .deadline(LIMIT);
    for (int i = 0; i < devices.size(); i++) {
      builder.device("service" + i, devices.get(i));
    }
    Monitor monitor = builder.build();
    open.add(monitor);
    return new Running(monitor.start(), output);
  }

  static byte[] next(SwitchEndpoint endpoint) throws InterruptedException {
    return endpoint.receive(PATIENCE).orElseThrow(() -> new AssertionError("no frame came"));
  }

  /** Finds the guest, which is awake when it has answered. */
  byte[] find(SwitchEndpoint endpoint, int... address) throws InterruptedException {
    endpoint.send(neighbour.arpRequest(address));
    while (true) {
      byte[] mac = Packets.macOfReply(next(endpoint));
      if (mac.length > 0) {
        return mac;
      }
    }
  }

  void ping(SwitchEndpoint endpoint, byte[] mac, byte[] address, int sequence, int size)
      throws InterruptedException {
    byte[] request = neighbour.echoRequest(mac, address, sequence, size);
    endpoint.send(request);
    while (!Packets.isReply(request, next(endpoint))) {
      // Another's frame.
    }
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
