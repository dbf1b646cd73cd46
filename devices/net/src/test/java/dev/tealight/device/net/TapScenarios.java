// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import dev.tealight.ConfigurationException;
import dev.tealight.Console;
import dev.tealight.DeviceException;
import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;
import dev.tealight.Monitor;
import dev.tealight.MonitorObserver;
import dev.tealight.RunHandle;
import dev.tealight.RunResult;
import dev.tealight.device.Device;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.Ioctl;
import dev.tealight.ffi.posix.LinuxAbi;
import dev.tealight.testkit.Guests;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/**
 * What {@link TapIT} runs in a process of its own, in a network namespace with the taps tap100
 * (10.0.0.1/24), tap101 (10.1.0.1/24, MTU 9000) and tap102 (down). Arguments: the scenario and the
 * backend.
 */
public final class TapScenarios {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final int UDP_PATIENCE_MILLIS = 500;
  private static final int ATTEMPTS = 60;
  private static final byte[] GUEST = {10, 0, 0, 2};
  private static final byte[] SECOND = {10, 1, 0, 2};
  private static final int HEADERS = 20 + 8; // of IP and UDP
  private static final int PORT = 7;

  private final Hypervisor hypervisor;

  private TapScenarios(Hypervisor hypervisor) {
    this.hypervisor = hypervisor;
  }

  /**
   * Runs one; ends with an exception if it fails.
   *
   * @param args the scenario and the backend
   */
  public static void main(String[] args) throws Exception {
    try (Hypervisor hypervisor = Hypervisors.open(args[1])) {
      TapScenarios scenarios = new TapScenarios(hypervisor);
      switch (args[0]) {
        case "traffic" -> scenarios.traffic();
        case "ring" -> scenarios.ring();
        case "two" -> scenarios.two();
        case "descriptor" -> scenarios.descriptor();
        case "sizes" -> scenarios.sizes();
        case "refusals" -> refusals();
        case "removal" -> scenarios.removal();
        case "overflow" -> scenarios.overflow();
        default -> throw new IllegalArgumentException(args[0]);
      }
    }
  }

  private Monitor.Builder monitor(String program, String tap, String... arguments) {
    return monitor(program, Tap.named(tap), arguments);
  }

  private Monitor.Builder monitor(String program, Tap tap, String... arguments) {
    return Monitor.builder()
        .image(program, Guests.image(program))
        .memoryByteSize(16 << 20)
        .arguments(arguments)
        .device("service0", NetConfig.of(tap))
        .hypervisor(hypervisor)
        .deadline(LIMIT);
  }

  private static void check(boolean right, String what) {
    if (!right) {
      throw new AssertionError(what);
    }
  }

  /** Sends a packet until it comes back: some are lost while the kernel looks for the guest. */
  private static void echo(DatagramSocket socket, byte[] guest, int byteSize) throws IOException {
    byte[] payload = payload(byteSize);
    DatagramPacket request =
        new DatagramPacket(payload, payload.length, InetAddress.getByAddress(guest), PORT);
    DatagramPacket answer = new DatagramPacket(new byte[65536], 65536);
    for (int i = 0; i < ATTEMPTS; i++) {
      try {
        socket.send(request);
        do {
          socket.receive(answer);
        } while (!Arrays.equals(
            answer.getData(), 0, answer.getLength(), payload, 0, payload.length));
        return;
      } catch (SocketTimeoutException e) {
        // Once more.
      }
    }
    throw new AssertionError("no answer to %d bytes".formatted(byteSize));
  }

  private static byte[] payload(int byteSize) {
    byte[] payload = new byte[byteSize];
    for (int i = 0; i < byteSize; i++) {
      payload[i] = (byte) (i + byteSize);
    }
    return payload;
  }

  private static DatagramSocket socket() throws IOException {
    DatagramSocket socket = new DatagramSocket();
    socket.setSoTimeout(UDP_PATIENCE_MILLIS);
    return socket;
  }

  /** The kernel's own ARP, ICMP and UDP speak to a guest. */
  private void traffic() throws Exception {
    serve("net", Tap.named("tap100"));
  }

  private void ring() throws Exception {
    serve("net_ring", Tap.named("tap100"));
    String text = run("frames_ring", "tap100", "source", "5000", "1514");
    check(text.contains("sent 5000 frames") && text.contains("SUCCESS"), text);
  }

  /** Two interfaces, one of them with large frames, up to the largest. */
  private void two() throws Exception {
    for (int mtu : new int[] {9000, 65521}) {
      ip("link", "set", "tap101", "mtu", Integer.toString(mtu));
      try (Monitor monitor =
              monitor("net_2if", "tap100")
                  .device("service1", NetConfig.of(Tap.named("tap101")))
                  .build();
          DatagramSocket socket = socket()) {
        RunHandle handle = monitor.start();
        for (int size : new int[] {1, 1472, mtu - HEADERS}) {
          echo(socket, GUEST, Math.min(size, 1472));
          echo(socket, SECOND, size);
        }
        stop(handle);
      }
    }
  }

  private static void stop(RunHandle handle) throws InterruptedException {
    handle.stop();
    RunResult result = handle.await();
    check(result instanceof RunResult.Stopped, result.toString());
  }

  private static void ip(String... words) throws Exception {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(words));
    int status = new ProcessBuilder(command).inheritIO().start().waitFor();
    check(status == 0, command.toString());
  }

  /** Another opens the tap, and keeps it. */
  private void descriptor() throws Exception {
    try (Descriptor tap = openTap()) {
      serve("net", Tap.descriptor(tap.number()));
      serve("net", Tap.descriptor(tap.number())); // it was left open
    }
  }

  private static Descriptor openTap() {
    Descriptor tap = Descriptor.open(HostCalls.system(), "/dev/net/tun", LinuxAbi.O_RDWR);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment request = arena.allocate(LinuxAbi.IFREQ);
      request.setString(0, "tap100");
      request.set(ValueLayout.JAVA_SHORT, 16, (short) (LinuxAbi.IFF_TAP | LinuxAbi.IFF_NO_PI));
      int _ = tap.ioctl(new Ioctl("TUNSETIFF", LinuxAbi.TUNSETIFF), request, "tap100");
    }
    return tap;
  }

  private void serve(String program, Tap tap) throws Exception {
    try (Monitor monitor = monitor(program, tap).build();
        DatagramSocket socket = socket()) {
      RunHandle handle = monitor.start();
      for (int size : new int[] {1, 18, 100, 512, 1471, 1472}) {
        echo(socket, GUEST, size);
      }
      check(InetAddress.getByAddress(GUEST).isReachable(60_000), "no answer to ping");
      stop(handle);
    }
  }

  private void sizes() throws Exception {
    check(run("net_mtu", "tap101").contains("MTU is 9000"), "the MTU did not reach the guest");
    String text = run("frames", "tap100", "sizes");
    check(text.contains("SUCCESS"), text);
  }

  private String run(String program, String tap, String... arguments) throws Exception {
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    try (Monitor monitor =
        monitor(program, tap, arguments).console(Console.direct(output::write)).build()) {
      RunResult result = monitor.run();
      return output.toString(StandardCharsets.ISO_8859_1) + result;
    }
  }

  private static void refusals() {
    refused("tap102", "network interface tap102 is down: ip link set tap102 up");
    refused(
        "nonesuch",
        "there is no network interface nonesuch: make it with ip tuntap add dev nonesuch mode tap"
            + " && ip link set nonesuch up");
    refused(
        "lo",
        "network interface lo is no tap, or one with several queues: make one with ip tuntap add"
            + " dev NAME mode tap");
    try (Device _ = NetConfig.of(Tap.named("tap100")).create("service0")) {
      refused("tap100", "network interface tap100 is in use by another program or guest");
    }
    NetConfig.of(Tap.named("tap100")).create("service0").close();
    for (String name : List.of("", "a/b", "a b", "tap%d", "sixteencharacter")) {
      try {
        NetConfig.of(Tap.named(name)).create("service0").close();
        throw new AssertionError(name + " was accepted");
      } catch (ConfigurationException e) {
        check(message(e).startsWith("'%s' is no name of an interface".formatted(name)), message(e));
      }
    }
    try {
      NetConfig.of(Tap.descriptor(0)).create("service0").close();
      throw new AssertionError("standard input was accepted");
    } catch (DeviceException e) {
      check(message(e).startsWith("device service0: descriptor 0 is no tap ("), message(e));
    }
  }

  private static void refused(String tap, String why) {
    try {
      NetConfig.of(Tap.named(tap)).create("service0").close();
    } catch (DeviceException e) {
      check(message(e).equals("device service0: " + why), message(e));
      return;
    }
    throw new AssertionError(tap + " was accepted");
  }

  private static String message(Exception e) {
    return Objects.toString(e.getMessage());
  }

  /** The guest gets an error, the embedder is told, and a guest that waits can be stopped. */
  private void removal() throws Exception {
    CompletableFuture<String> told = new CompletableFuture<>();
    MonitorObserver observer =
        new MonitorObserver() {
          @Override
          public void deviceError(Monitor of, String name, String what, Exception cause) {
            told.complete(what + ": " + cause.getMessage());
          }
        };
    CompletableFuture<Integer> awake = new CompletableFuture<>();
    Console console = Console.direct((bytes, offset, length) -> awake.complete(length));
    try (Monitor flood = monitor("frames", "tap100", "flood").observer(observer).build();
        Monitor idle = monitor("net", "tap101").console(console).build()) {
      RunHandle flooding = flood.start();
      RunHandle waiting = idle.start();
      check(awake.get() > 0, "the guest says nothing");
      for (String tap : List.of("tap100", "tap101")) {
        ip("link", "del", tap);
      }
      RunResult result = flooding.await();
      check(result.equals(new RunResult.Halted(1)), result.toString());
      String what = told.get();
      check(what.startsWith("sending a frame: write failed: "), what);
      check(what.contains("tap100"), what);
      stop(waiting);
    }
  }

  /** More than the tap's queue holds comes while the guest stands still. */
  private void overflow() throws Exception {
    try (Monitor monitor = monitor("net", "tap100").build();
        DatagramSocket socket = socket()) {
      RunHandle handle = monitor.start();
      echo(socket, GUEST, 10);
      handle.pause();
      byte[] payload = payload(1000);
      InetAddress guest = InetAddress.getByAddress(GUEST);
      for (int i = 0; i < 10_000; i++) {
        socket.send(new DatagramPacket(payload, payload.length, guest, PORT));
      }
      handle.resume();
      echo(socket, GUEST, 11);
      stop(handle);
    }
  }
}
