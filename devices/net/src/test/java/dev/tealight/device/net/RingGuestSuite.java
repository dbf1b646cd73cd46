// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.GuestMemory;
import dev.tealight.RunHandle;
import dev.tealight.RunResult;
import dev.tealight.solo5.Solo5Hvt;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Real guests that use the shared ring, well and badly. */
abstract class RingGuestSuite extends SwitchedGuests {
  /** Where the ring is: behind the guest's memory. */
  private static final long RING = MEMORY_BYTE_SIZE;

  private static final long SUBMISSION_HEAD = 64;
  private static final int MANY = 1000;

  @Test
  void pingIsAnsweredThroughTheRing() throws InterruptedException {
    SwitchEndpoint endpoint = endpoint();
    Running guest = run("net_ring", List.of(device(port())), "limit", "200");
    byte[] mac = find(endpoint, 10, 0, 0, 2);
    for (int i = 0; i < 200; i++) {
      ping(endpoint, mac, GUEST_ADDRESS, i, i * 14); // the last ones are too long for the ring
    }
    assertThat(guest.end()).contains("200 replies");
  }

  @Test
  void guestThatWaitsBetweenFramesIsWokenForEach() throws InterruptedException {
    SwitchEndpoint endpoint = endpoint();
    Running guest = run("net_ring", List.of(device(port())), "limit", "10");
    byte[] mac = find(endpoint, 10, 0, 0, 2);
    await(() -> guest.waits() > 0);
    for (int i = 0; i < 9; i++) {
      long before = guest.waits();
      ping(endpoint, mac, GUEST_ADDRESS, i, 56);
      await(() -> guest.waits() > before);
    }
    ping(endpoint, mac, GUEST_ADDRESS, 9, 56);
    String _ = guest.end();
  }

  @Test
  void framesOfAllSizesComeBackThroughTheRing() throws InterruptedException {
    assertEchoes("frames_ring", 14, 15, 60, 61, 1514, 1515, 2047, 2048, 2049, 9014, 65535);
  }

  @Test
  void framesOfOneGuestReachAnotherInOrderThroughTheRing() throws InterruptedException {
    SwitchPort to = network().port("to", 16 << 20);
    SwitchEndpoint all = network().port("all", 16 << 20).endpoint();
    Running sink = run("frames_ring", List.of(device(to)), "sink", "5000");
    Running source = run("frames_ring", List.of(foreignDevice(port())), "source", "5000", "1514");
    assertThat(source.end()).contains("sent 5000 frames");
    assertThat(sink.end()).contains("took 5000 frames, 7570000 bytes");
    for (int i = 0; i < 5000; i++) {
      byte[] frame = next(all);
      assertThat((frame[14] & 0xff) | (frame[15] & 0xff) << 8).isEqualTo(i);
    }
    all.close();
  }

  @Test
  void guestIsOfferedNoRingIfItIsNotWanted() throws InterruptedException {
    String _ = run(Solo5Hvt.PROTOCOL_WITHOUT_RING, "ring", List.of(device(port())), "none").end();
    SwitchEndpoint endpoint = endpoint();
    Running guest =
        run(Solo5Hvt.PROTOCOL_WITHOUT_RING, "net_ring", List.of(device(port())), "limit", "10");
    byte[] mac = find(endpoint, 10, 0, 0, 2);
    for (int i = 0; i < 10; i++) {
      ping(endpoint, mac, GUEST_ADDRESS, i, 56);
    }
    String _ = guest.end();
  }

  @Test
  void doorbellWithoutARingIsAFault() throws InterruptedException {
    RunResult result =
        run(Solo5Hvt.PROTOCOL_WITHOUT_RING, "ring", List.of(device(port())), "blind")
            .handle
            .await();
    assertThat(result).isInstanceOf(RunResult.Faulted.class);
    assertThat(((RunResult.Faulted) result).reason()).contains("0x600", "which nobody serves");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          jump      | submission tail 0x1388 is not within 1024 of head 0x0
          back      | submission tail 0x0 is not within 1024 of head 0x1
          outside   | range gpa=0x10000000 byteSize=64 is outside guest memory
          wrap      | range gpa=0xffffffffffffffeb byteSize=64 is outside guest memory
          readonly  | is forbidden by the protection of its region
          undrained | completion head 0x0 leaves no room for completion 0x400 of 1024
          overtaken | completion head 0x1 leaves no room for completion 0x0 of 1024
          """)
  void breachOfTheRingIsAFault(String breach, String reason) throws InterruptedException {
    RunResult result = run("ring", List.of(device(port())), breach).handle.await();
    assertThat(result).isInstanceOf(RunResult.Faulted.class);
    assertThat(((RunResult.Faulted) result).reason()).startsWith("Solo5's ring: ").contains(reason);
  }

  @ParameterizedTest
  @ValueSource(strings = {"rings", "unknown", "rewrite"})
  void whatHarmsNobodyIsServed(String oddity) throws InterruptedException {
    SwitchEndpoint endpoint = endpoint();
    int frames = oddity.equals("rewrite") ? 101 : 1;
    String _ = run("ring", List.of(device(port())), oddity).end();
    for (int i = 0; i < frames; i++) {
      assertThat(next(endpoint)).hasSize(64);
    }
    assertThat(endpoint.receive(Duration.ZERO)).isEmpty();
  }

  @Test
  void framesLeftInTheRingAtTheEndAreSent() throws InterruptedException {
    SwitchEndpoint endpoint = endpoint();
    Running guest = run("ring", List.of(device(port())), "leave");
    assertThat(guest.handle.await()).isEqualTo(new RunResult.Halted(0));
    for (int i = 0; i < 100; i++) {
      assertThat(next(endpoint)).hasSize(64);
    }
    assertThat(endpoint.receive(Duration.ZERO)).isEmpty();
  }

  /** Which of the two it is depends on when the monitor looks: both are right, nothing else is. */
  @Test
  void entriesChangedWhileInUseAreServedAsTheyWereReadOrAreAFault() throws InterruptedException {
    SwitchPort port = port();
    RunHandle guest = run("ring", List.of(device(port)), "changing").handle;
    // It sends from an address that is not its own.
    while (guest.result().isEmpty() && port.counters().refusedFrames() < MANY) {
      letOthersRun();
    }
    guest.stop();
    RunResult result = guest.await();
    if (result instanceof RunResult.Faulted fault) {
      assertThat(fault.reason()).startsWith("Solo5's ring: range gpa=");
    } else {
      assertThat(result).isInstanceOf(RunResult.Stopped.class);
    }
  }

  @Test
  void guestThatRingsWithoutEndStopsAndStarvesNobody() throws InterruptedException {
    SwitchEndpoint endpoint = endpoint();
    Running storm = run("ring", List.of(foreignDevice(port())), "storm");
    Running guest = run("net_ring", List.of(device(port())), "limit", "20");
    byte[] mac = find(endpoint, 10, 0, 0, 2);
    for (int i = 0; i < 20; i++) {
      ping(endpoint, mac, GUEST_ADDRESS, i, 56);
    }
    String _ = guest.end();
    storm.stop();
  }

  @Test
  void pausedGuestHasNothingLeftInTheRing() throws InterruptedException {
    SwitchPort from = port();
    SwitchEndpoint endpoint = endpoint();
    Running guest = run("frames_ring", List.of(device(from)), "flood");
    GuestMemory memory = guest.monitor.memory();
    byte[] _ = next(endpoint);
    for (int i = 0; i < 20; i++) {
      guest.handle.pause();
      int tail = memory.readInt(RING);
      assertThat(memory.readInt(RING + SUBMISSION_HEAD)).isEqualTo(tail);
      long sent = from.counters().sentFrames();
      assertThat((int) sent).as("frames that have left the ring").isEqualTo(tail);
      guest.handle.resume();
      await(() -> from.counters().sentFrames() > sent);
    }
    guest.stop();
  }
}
