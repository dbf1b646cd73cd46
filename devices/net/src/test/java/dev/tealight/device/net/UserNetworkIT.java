// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.tealight.Console;
import dev.tealight.DeviceException;
import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;
import dev.tealight.Monitor;
import dev.tealight.RunHandle;
import dev.tealight.RunResult;
import dev.tealight.device.FrameLink;
import dev.tealight.device.MacAddress;
import dev.tealight.testkit.Guests;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Guests that are reached through passt, on ports of this host. */
class UserNetworkIT {
  private static final int ATTEMPTS = 60;

  @Test
  void forwardedPortLeadsToTheGuest() throws Exception {
    int port = freePort();
    UserNetwork network =
        UserNetwork.create().address("10.0.0.2", 24, "10.0.0.1").forwardUdp(port, 7);
    try (Hypervisor hypervisor = Hypervisors.firstAvailable();
        Monitor monitor = build(hypervisor, network);
        DatagramSocket socket = new DatagramSocket()) {
      RunHandle handle = monitor.start();
      socket.setSoTimeout(500);
      for (String text : new String[] {"first", "second", "third"}) {
        assertThat(echo(socket, port, text.getBytes(StandardCharsets.US_ASCII)))
            .asString(StandardCharsets.US_ASCII)
            .isEqualTo(text);
      }
      handle.stop();
      assertThat(handle.await()).isInstanceOf(RunResult.Stopped.class);
    }
  }

  @Test
  void forwardedStreamReachesTheGuestAndComesBack() throws Exception {
    int port = freeStreamPort();
    UserNetwork network =
        UserNetwork.create().address("10.0.0.2", 24, "10.0.0.1").forwardTcp(port, 7);
    byte[] text = new byte[100_000];
    new SplittableRandom(1).nextBytes(text);
    try (TcpEcho _ = new TcpEcho(open(network), new Packets(2, 10, 0, 0, 2), 10, 0, 0, 1);
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setSoTimeout(60_000);
      Thread writer =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      socket.getOutputStream().write(text);
                      socket.shutdownOutput();
                    } catch (IOException e) {
                      throw new UncheckedIOException(e); // what comes back is then too short
                    }
                  });
      assertThat(socket.getInputStream().readAllBytes()).isEqualTo(text);
      writer.join();
    }
  }

  private static FrameLink open(UserNetwork network) throws IOException {
    try {
      return network.open(new MacAddress(0x0200_0000_0102L));
    } catch (IOException e) {
      abortWithoutPasst(e);
      throw e;
    }
  }

  private static void abortWithoutPasst(Exception failure) {
    String message = Objects.toString(failure.getMessage());
    if (message.contains("the program passt") || message.contains("passt does not start")) {
      abort(message);
    }
  }

  private static int freeStreamPort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static Monitor build(Hypervisor hypervisor, UserNetwork network) {
    try {
      return Monitor.builder()
          .image("net", Guests.image("net"))
          .memoryByteSize(16 << 20)
          .device("service0", NetConfig.of(network))
          .console(Console.direct((bytes, offset, length) -> {}))
          .hypervisor(hypervisor)
          .build();
    } catch (DeviceException e) {
      abortWithoutPasst(e);
      throw e;
    }
  }

  private static int freePort() throws IOException {
    try (DatagramSocket socket = new DatagramSocket()) {
      return socket.getLocalPort();
    }
  }

  private static byte[] echo(DatagramSocket socket, int port, byte[] payload) throws IOException {
    DatagramPacket answer = new DatagramPacket(new byte[2048], 2048);
    for (int i = 0; i < ATTEMPTS; i++) {
      socket.send(
          new DatagramPacket(payload, payload.length, InetAddress.getLoopbackAddress(), port));
      try {
        socket.receive(answer);
        return Arrays.copyOf(answer.getData(), answer.getLength());
      } catch (SocketTimeoutException e) {
        // passt or the guest was not ready: once more.
      }
    }
    throw new AssertionError("no answer");
  }
}
