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
import dev.tealight.testkit.Guests;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** A guest that is reached through passt, on a port of this host. */
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
      String message = Objects.toString(e.getMessage());
      if (message.contains("the program passt") || message.contains("passt does not start")) {
        return abort(message);
      }
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
