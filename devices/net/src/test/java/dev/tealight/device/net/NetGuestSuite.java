// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Real guests that use hypercalls. */
abstract class NetGuestSuite extends SwitchedGuests {
  /**
   * How many frames of at most 64 KiB may wait for a guest at most: its queue has room for more.
   */
  private static final int WAITING = 200;

  private static final int QUEUE_BYTE_SIZE = 64 << 20;

  @Test
  void pingIsAnswered() throws InterruptedException {
    SwitchEndpoint endpoint = endpoint();
    Running guest = run("net", List.of(device(port())), "limit", "100");
    byte[] mac = find(endpoint, 10, 0, 0, 2);
    assertThat(mac).isEqualTo(GUEST.toBytes());
    for (int i = 0; i < 100; i++) {
      ping(endpoint, mac, GUEST_ADDRESS, i, i * 14);
    }
    assertThat(guest.end()).contains("100 replies");
  }

  @Test
  void udpIsEchoed() throws InterruptedException {
    SwitchEndpoint endpoint = endpoint();
    Running guest = run("net", List.of(device(port())), "limit", "20");
    byte[] mac = find(endpoint, 10, 0, 0, 2);
    for (int i = 0; i < 20; i++) {
      byte[] payload = ("packet " + i).getBytes(StandardCharsets.US_ASCII);
      endpoint.send(neighbour.udp(mac, GUEST_ADDRESS, payload));
      assertThat(Packets.udpPayload(next(endpoint))).isEqualTo(payload);
    }
    String _ = guest.end();
  }

  @Test
  void twoInterfacesAreTwoNetworks() throws InterruptedException {
    SwitchEndpoint endpoint = endpoint();
    SwitchPort first = port();
    try (VirtualSwitch other = new VirtualSwitch();
        SwitchEndpoint there = other.port("there").endpoint()) {
      Running guest =
          run("net_2if", List.of(device(first), NetConfig.of(other.port("guest"))), "limit", "40");
      byte[] mac = find(endpoint, 10, 0, 0, 2);
      byte[] otherMac = find(there, 10, 1, 0, 2);
      assertThat(otherMac).isNotEqualTo(mac);
      for (int i = 0; i < 20; i++) {
        ping(endpoint, mac, GUEST_ADDRESS, i, 56);
        ping(there, otherMac, SECOND_ADDRESS, i, 56);
      }
      String _ = guest.end();
    }
  }

  @Test
  void packetsOfNineThousandBytesPass() throws InterruptedException {
    SwitchEndpoint endpoint = endpoint();
    Running guest = run("net", List.of(device(port().mtu(9000))), "limit", "5");
    byte[] mac = find(endpoint, 10, 0, 0, 2);
    for (int i = 0; i < 5; i++) {
      ping(endpoint, mac, GUEST_ADDRESS, i, 9000 - 28);
    }
    String _ = guest.end();
    assertThat(run("net_mtu", List.of(device(port().mtu(9000)))).end()).contains("MTU is 9000");
  }

  @Test
  void framesOfAllSizesComeBackAsTheyWere() throws InterruptedException {
    assertEchoes("frames", 14, 15, 60, 61, 255, 256, 257, 1514, 1515, 4096, 9014, 65535);
  }

  @Test
  void guestSendsFramesOfAllSizesThatThereAre() throws InterruptedException {
    SwitchEndpoint endpoint = endpoint();
    String _ = run("frames", List.of(device(port())), "sizes").end();
    for (int size : new int[] {14, 15, 60, 1514, 1515, 9014, 65535}) {
      assertThat(next(endpoint)).hasSize(size);
    }
    assertThat(endpoint.receive(Duration.ZERO)).isEmpty();
  }

  @Test
  void framesOfOneGuestReachAnother() throws InterruptedException {
    SwitchPort to = network().port("to", 8 << 20);
    Running sink = run("frames", List.of(device(to)), "sink", "200");
    Running source = run("frames", List.of(foreignDevice(port())), "source", "200", "1514", "2");
    assertThat(source.end()).contains("sent 200 frames");
    assertThat(sink.end()).contains("took 200 frames, 302800 bytes");
    assertThat(to.counters().droppedFrames()).isZero();
  }

  @Test
  void guestThatFloodsDoesNotStarveAnother() throws InterruptedException {
    SwitchEndpoint endpoint = endpoint();
    Running flood = run("frames", List.of(foreignDevice(port())), "flood");
    Running guest = run("net", List.of(device(port())), "limit", "20");
    byte[] mac = find(endpoint, 10, 0, 0, 2);
    for (int i = 0; i < 20; i++) {
      ping(endpoint, mac, GUEST_ADDRESS, i, 56);
    }
    String _ = guest.end();
    flood.stop(); // it was there all the time
  }

  /** Each of them reaches the guest. */
  @Test
  void randomFramesDoNotKeepAGuestFromAnswering() throws InterruptedException {
    SwitchEndpoint endpoint = endpoint();
    SwitchPort port = network().port("guest", QUEUE_BYTE_SIZE);
    Running guest = run("net", List.of(device(port)), "limit", "1");
    byte[] mac = find(endpoint, 10, 0, 0, 2);
    long before = taken();
    SplittableRandom random = new SplittableRandom(1);
    int count = THOROUGH ? 1_000_000 : 5_000;
    for (int i = 0; i < count; i++) {
      byte[] frame = new byte[14 + random.nextInt(i % 100 == 0 ? 60_000 : 600)];
      random.nextBytes(frame);
      System.arraycopy(mac, 0, frame, 0, 6);
      frame[6] &= (byte) 0xfe;
      if (i % 2 == 0) { // looks like a packet for it, but for what follows
        byte[] request = neighbour.echoRequest(mac, GUEST_ADDRESS, i, 8);
        System.arraycopy(request, 0, frame, 0, Math.min(14 + i % 20, frame.length));
      }
      endpoint.send(frame);
      long sent = i + 1L;
      await(() -> sent - (taken() - before) < WAITING);
    }
    await(() -> taken() - before == count);
    assertThat(port.counters().droppedFrames()).isZero();
    ping(endpoint, mac, GUEST_ADDRESS, 1, 56);
    assertThat(guest.end()).contains("1 replies");
  }

  @Test
  void guestThatWaitsForFramesStops() throws InterruptedException {
    SwitchEndpoint endpoint = endpoint();
    Running guest = run("net", List.of(device(port())));
    byte[] _ = find(endpoint, 10, 0, 0, 2);
    long before = guest.waits();
    await(() -> guest.waits() > before);
    guest.stop();
  }
}
