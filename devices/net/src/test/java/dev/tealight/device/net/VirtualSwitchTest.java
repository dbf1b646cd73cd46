// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ConfigurationException;
import dev.tealight.DeviceException;
import dev.tealight.device.FrameLink;
import dev.tealight.device.MacAddress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Who gets which frames. */
class VirtualSwitchTest {
  private static final Duration NOW = Duration.ZERO;
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final long EVERYBODY = 0xffff_ffff_ffffL;
  private static final long ONE = 0x0200_0000_0001L;
  private static final long TWO = 0x0200_0000_0002L;
  private static final long THREE = 0x0200_0000_0003L;

  private final VirtualSwitch network = new VirtualSwitch();
  private final SwitchPort first = network.port("first");
  private final SwitchPort second = network.port("second");
  private final SwitchPort third = network.port("third");

  @AfterEach
  void close() {
    network.close();
  }

  private static byte[] frame(long destination, long source, int content) {
    byte[] frame = new byte[60];
    System.arraycopy(new MacAddress(destination).toBytes(), 0, frame, 0, 6);
    System.arraycopy(new MacAddress(source).toBytes(), 0, frame, 6, 6);
    frame[14] = (byte) content;
    return frame;
  }

  private static List<Integer> contents(SwitchEndpoint endpoint) throws InterruptedException {
    List<Integer> contents = new ArrayList<>();
    while (true) {
      var frame = endpoint.receive(NOW);
      if (frame.isEmpty()) {
        return contents;
      }
      contents.add(frame.get()[14] & 0xff);
    }
  }

  @Test
  void framesToAllAndToUnknownAddressesGoToAllOthers() throws InterruptedException {
    try (SwitchEndpoint one = first.endpoint();
        SwitchEndpoint two = second.endpoint();
        SwitchEndpoint three = third.endpoint()) {
      one.send(frame(EVERYBODY, ONE, 1));
      one.send(frame(TWO, ONE, 2));
      assertThat(contents(one)).isEmpty();
      assertThat(contents(two)).containsExactly(1, 2);
      assertThat(contents(three)).containsExactly(1, 2);
    }
  }

  @Test
  void framesToAKnownAddressGoToItsPortAlone() throws InterruptedException {
    try (SwitchEndpoint one = first.endpoint();
        SwitchEndpoint two = second.endpoint();
        SwitchEndpoint three = third.endpoint()) {
      two.send(frame(EVERYBODY, TWO, 1));
      one.send(frame(TWO, ONE, 2));
      assertThat(contents(two)).containsExactly(2);
      assertThat(contents(three)).containsExactly(1);
    }
  }

  @Test
  void addressThatMovesIsFollowed() throws InterruptedException {
    try (SwitchEndpoint one = first.endpoint();
        SwitchEndpoint two = second.endpoint();
        SwitchEndpoint three = third.endpoint()) {
      two.send(frame(ONE, TWO, 1));
      three.send(frame(ONE, TWO, 2));
      assertThat(contents(two)).containsExactly(2);
      one.send(frame(TWO, ONE, 3));
      assertThat(contents(two)).isEmpty();
      assertThat(contents(three)).containsExactly(1, 3);
    }
  }

  @Test
  void addressesOfAPortAreForgottenWhenItIsLeft() throws InterruptedException {
    try (SwitchEndpoint one = first.endpoint();
        SwitchEndpoint three = third.endpoint()) {
      try (SwitchEndpoint two = second.endpoint()) {
        two.send(frame(ONE, TWO, 1));
      }
      one.send(frame(TWO, ONE, 2));
      assertThat(contents(three)).containsExactly(1, 2);
    }
  }

  @Test
  void guestWithAForeignSourceAddressIsNotHeard() throws Exception {
    try (FrameLink guest = first.open(new MacAddress(ONE));
        SwitchEndpoint two = second.endpoint()) {
      for (long source : new long[] {ONE, THREE, EVERYBODY, ONE | 0x0100_0000_0000L}) {
        guest.send(MemorySegment.ofArray(frame(TWO, source, 1)), 0, 60);
      }
      assertThat(contents(two)).containsExactly(1);
      assertThat(first.counters().refusedFrames()).isEqualTo(3);
      assertThat(first.counters().sentFrames()).isEqualTo(1);
    }
  }

  @Test
  void guestMayUseAnySourceWhereThatIsAllowed() throws Exception {
    first.allowAnySource();
    try (FrameLink guest = first.open(new MacAddress(ONE));
        SwitchEndpoint two = second.endpoint()) {
      guest.send(MemorySegment.ofArray(frame(TWO, THREE, 1)), 0, 60);
      assertThat(contents(two)).containsExactly(1);
    }
  }

  @Test
  void portServesOneAtATime() throws Exception {
    try (SwitchEndpoint one = first.endpoint()) {
      assertThatThrownBy(first::endpoint)
          .isInstanceOf(ConfigurationException.class)
          .hasMessage("port first of the switch is in use: give each guest a port of its own");
      assertThatThrownBy(() -> first.open(new MacAddress(ONE))).isInstanceOf(IOException.class);
      one.send(frame(EVERYBODY, ONE, 1));
    }
    first.open(new MacAddress(ONE)).close();
  }

  @Test
  void portsHaveNamesOfTheirOwn() {
    assertThatThrownBy(() -> network.port("first"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("the switch has a port first already");
    assertThatThrownBy(() -> network.port("small", 1000))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("queue of 1000 bytes for port small: give from 131072 to 1073741824");
  }

  @Test
  void fullQueueDropsAndCounts() throws InterruptedException {
    try (SwitchEndpoint one = first.endpoint();
        SwitchEndpoint two = second.endpoint()) {
      for (int i = 0; i < 10_000; i++) {
        one.send(frame(TWO, ONE, 1));
      }
      PortCounters counters = second.counters();
      assertThat(counters.receivedFrames() + counters.droppedFrames()).isEqualTo(10_000);
      assertThat(counters.receivedBytes()).isEqualTo(60 * counters.receivedFrames());
      assertThat(contents(two)).hasSize((int) counters.receivedFrames());
      assertThat(first.counters().sentFrames()).isEqualTo(10_000);
      assertThat(first.counters().sentBytes()).isEqualTo(600_000);
    }
  }

  @Test
  void partitionCutsAndHealsTheNetwork() throws InterruptedException {
    try (SwitchEndpoint one = first.endpoint();
        SwitchEndpoint two = second.endpoint();
        SwitchEndpoint three = third.endpoint()) {
      network.partition(Set.of("first", "third"));
      one.send(frame(EVERYBODY, ONE, 1));
      two.send(frame(EVERYBODY, TWO, 2));
      assertThat(contents(one)).isEmpty();
      assertThat(contents(two)).isEmpty();
      assertThat(contents(three)).containsExactly(1);
      network.heal();
      two.send(frame(EVERYBODY, TWO, 3));
      assertThat(contents(one)).containsExactly(3);
    }
  }

  @Test
  void sameSeedMeansTheSameFate() throws InterruptedException {
    LinkConditions bad = LinkConditions.seeded(42).withLoss(0.2).withDuplication(0.2);
    List<Integer> once = fates(bad);
    assertThat(fates(bad)).isEqualTo(once);
    assertThat(once)
        .isNotEqualTo(fates(LinkConditions.seeded(43).withLoss(0.2).withDuplication(0.2)));
    assertThat(once).isNotEmpty();
  }

  private List<Integer> fates(LinkConditions conditions) throws InterruptedException {
    second.conditions(conditions);
    try (SwitchEndpoint one = first.endpoint();
        SwitchEndpoint two = second.endpoint()) {
      for (int i = 0; i < 200; i++) {
        one.send(frame(TWO, ONE, i));
      }
      return contents(two);
    }
  }

  @Test
  void lossIsCounted() throws InterruptedException {
    assertThat(fates(LinkConditions.seeded(1).withLoss(1))).isEmpty();
    assertThat(second.counters().lostFrames()).isEqualTo(200);
    assertThat(fates(LinkConditions.seeded(1).withLoss(0.5))).hasSizeBetween(60, 140);
  }

  @Test
  void duplicatesComeTwice() throws InterruptedException {
    assertThat(fates(LinkConditions.seeded(1).withDuplication(1))).hasSize(400);
  }

  @Test
  void heldFrameComesAlsoWithoutAnother() throws InterruptedException {
    second.conditions(LinkConditions.seeded(1).withReordering(1));
    try (SwitchEndpoint one = first.endpoint();
        SwitchEndpoint two = second.endpoint()) {
      one.send(frame(TWO, ONE, 7));
      assertThat(two.receive(PATIENCE)).get().extracting(frame -> frame[14]).isEqualTo((byte) 7);
    }
  }

  @Test
  void delayedFramesComeLaterAndInOrder() throws InterruptedException {
    second.conditions(LinkConditions.seeded(1).withDelay(Duration.ofMillis(50)));
    try (SwitchEndpoint one = first.endpoint();
        SwitchEndpoint two = second.endpoint()) {
      long start = System.nanoTime();
      for (int i = 0; i < 20; i++) {
        one.send(frame(TWO, ONE, i));
      }
      for (int i = 0; i < 20; i++) {
        assertThat(two.receive(PATIENCE)).get().extracting(frame -> frame[14]).isEqualTo((byte) i);
      }
      assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(50_000_000);
    }
  }

  @Test
  void delayedFramesTakeBoundedRoom() {
    SwitchPort small = network.port("small", 128 * 1024);
    small.conditions(LinkConditions.seeded(1).withDelay(Duration.ofSeconds(60)));
    try (SwitchEndpoint one = first.endpoint();
        SwitchEndpoint _ = small.endpoint()) {
      for (int i = 0; i < 10_000; i++) {
        one.send(frame(TWO, ONE, 1));
      }
      int room = 128 * 1024 / 60;
      assertThat(small.counters().droppedFrames()).isEqualTo(10_000 - room);
    }
  }

  @Test
  void closedSwitchCarriesNothingAndTakesNobody() throws Exception {
    FrameLink guest = first.open(new MacAddress(ONE));
    SwitchEndpoint two = second.endpoint();
    guest.send(MemorySegment.ofArray(frame(TWO, ONE, 1)), 0, 60);
    network.close();
    network.close();
    assertThatThrownBy(() -> guest.send(MemorySegment.ofArray(frame(TWO, ONE, 2)), 0, 60))
        .isInstanceOf(IOException.class)
        .hasMessage("the switch is closed");
    assertThatThrownBy(() -> two.send(frame(ONE, TWO, 3)))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageEndingWith("the switch is closed");
    guest.close();
    two.close();
    assertThatThrownBy(() -> first.open(new MacAddress(ONE)))
        .isInstanceOf(IOException.class)
        .hasMessage("the switch is closed");
    assertThatThrownBy(second::endpoint)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the switch is closed");
    assertThatThrownBy(() -> network.port("fourth"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the switch is closed");
    assertThatThrownBy(() -> NetConfig.of(first).create("service0"))
        .isInstanceOf(DeviceException.class)
        .hasMessage("device service0: the switch is closed");
  }

  @Test
  void closingTheSwitchEndsAWait() throws InterruptedException {
    try (SwitchEndpoint one = first.endpoint()) {
      Thread closer = Thread.ofVirtual().start(network::close);
      assertThat(one.receive(Duration.ofDays(1))).isEmpty();
      closer.join();
    }
  }

  @Test
  void closedEndpointSendsNothing() {
    SwitchEndpoint one = first.endpoint();
    one.close();
    assertThatThrownBy(() -> one.send(frame(TWO, ONE, 1)))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageEndingWith("port first was left");
  }

  @Test
  void tableOfAddressesNeverGrows() throws InterruptedException {
    try (SwitchEndpoint one = first.endpoint();
        SwitchEndpoint two = second.endpoint()) {
      for (long i = 0; i < 100_000; i++) {
        one.send(frame(TWO, 0x0200_0000_0000L + i * 7919, 1));
      }
      assertThat(contents(two)).isNotEmpty();
      two.send(frame(ONE, TWO, 2));
      one.send(frame(TWO, ONE, 3));
      assertThat(contents(two)).containsExactly(3);
    }
  }

  @Test
  void conditionsThatCannotBeAreRefused() {
    for (double share : new double[] {-0.1, 1.1, Double.NaN}) {
      assertThatThrownBy(() -> LinkConditions.seeded(1).withLoss(share))
          .isInstanceOf(ConfigurationException.class)
          .hasMessage("loss of %s: give from 0 to 1", share);
    }
    assertThatThrownBy(() -> LinkConditions.PERFECT.withDelay(Duration.ofMinutes(2)))
        .isInstanceOf(ConfigurationException.class);
  }

  @Test
  void framesOfAnySizePass() throws InterruptedException {
    try (SwitchEndpoint one = first.endpoint();
        SwitchEndpoint two = second.endpoint()) {
      for (int size : new int[] {14, 255, 256, 257, 1514, 1515, 9014, 65535}) {
        byte[] sent = Arrays.copyOf(frame(TWO, ONE, 1), size);
        sent[size - 1] = 9;
        one.send(sent);
        assertThat(two.receive(PATIENCE)).contains(sent);
      }
      assertThatThrownBy(() -> one.send(new byte[13])).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> one.send(new byte[65536]))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
