// SPDX-License-Identifier: ISC
package dev.tealight.device.virtio.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.GuestAccessException;
import dev.tealight.device.MacAddress;
import dev.tealight.testkit.QueueLink;
import dev.tealight.testkit.VirtioDriver;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** virtio-net, from the registers down. */
class VirtioNetTest {
  private static final int RECEIVE = 0;
  private static final int TRANSMIT = 1;
  private static final long BUFFER = 0x20000;
  private static final int SLOT = 0x800;
  private static final int HEADER = 10;
  private static final int NEXT = VirtioDriver.NEXT;
  private static final int WRITABLE = VirtioDriver.WRITABLE;

  private final QueueLink cable = new QueueLink();
  private final VirtioDriver driver = new VirtioDriver();

  private VirtioDriver attached() {
    new VirtioNet(driver, cable, MacAddress.parse("02:03:05:07:0b:0d"), 9000)
        .attach(driver.name(), driver);
    return driver;
  }

  private VirtioDriver started() {
    return attached().start(2);
  }

  private static byte[] frame(int byteSize) {
    byte[] frame = new byte[byteSize];
    for (int i = 0; i < byteSize; i++) {
      frame[i] = (byte) (i * 7 + byteSize);
    }
    return frame;
  }

  /** Offers a buffer for header and frame together. */
  private void post(int index, int byteSize) {
    driver.describe(RECEIVE, index, BUFFER + (long) SLOT * index, byteSize, WRITABLE);
    driver.offer(RECEIVE, index);
  }

  private byte[] received(int index, int byteSize) {
    byte[] bytes = new byte[byteSize];
    driver.memory().copyOut(BUFFER + (long) SLOT * index + HEADER, bytes, 0, byteSize);
    return bytes;
  }

  private void send(int... pieces) {
    long gpa = BUFFER;
    for (int i = 0; i < pieces.length; i++) {
      driver.describe(TRANSMIT, i, gpa, pieces[i], i < pieces.length - 1 ? NEXT : 0);
      gpa += pieces[i];
    }
    driver.offer(TRANSMIT, 0);
    driver.notify(TRANSMIT);
  }

  @Test
  void addressAndMtuAreInTheConfiguration() {
    attached();
    assertThat(driver.read(0, 4)).isEqualTo(1 << 3 | 1 << 5);
    assertThat(driver.read(20, 4)).isEqualTo(0x07050302);
    assertThat(driver.read(24, 1)).isEqualTo(0x0b);
    assertThat(driver.read(25, 1)).isEqualTo(0x0d);
    assertThat(driver.read(30, 2)).isEqualTo(9000);
  }

  @Test
  void framesAreWaitedForWhileTheDriverHasBuffers() {
    VirtioNet net = new VirtioNet(driver, cable, MacAddress.parse("02:03:05:07:0b:0d"), 1500);
    net.attach(driver.name(), driver);
    assertThat(net.takesFrom(cable)).as("without a driver").isFalse();
    driver.start(2);
    assertThat(net.takesFrom(cable)).as("without a buffer").isFalse();
    post(0, 200);
    assertThat(net.takesFrom(cable)).isTrue();
    assertThat(net.takesFrom(new QueueLink())).as("from another").isFalse();
    cable.arrive(frame(100));
    driver.poll(false);
    assertThat(net.takesFrom(cable)).as("its buffer is used").isFalse();
    for (int i = 0; i < 257; i++) {
      driver.offer(RECEIVE, 0);
    }
    assertThat(net.takesFrom(cable)).as("nonsense is reported by polling").isTrue();
    assertThatThrownBy(() -> driver.poll(false)).isInstanceOf(GuestAccessException.class);
  }

  @Test
  void frameLeavesWithoutItsHeaderHoweverItIsCut() {
    started();
    byte[] frame = frame(100);
    driver.memory().copyIn(BUFFER + HEADER, frame, 0, frame.length);
    send(HEADER, 100);
    send(HEADER + 100);
    send(4, 6, 100);
    send(HEADER, 1, 60, 39);
    send(3, 50, 57);
    assertThat(cable.sent()).hasSize(5).allSatisfy(sent -> assertThat(sent).isEqualTo(frame));
    assertThat(driver.usedIndex(TRANSMIT)).isEqualTo(5);
    assertThat(driver.isInterrupted()).isTrue();
  }

  @Test
  void whatIsNoFrameIsDroppedAndComesBack() {
    started();
    send(HEADER, 13);
    send(HEADER, 65536);
    send(HEADER);
    assertThat(cable.sent()).isEmpty();
    assertThat(driver.usedIndex(TRANSMIT)).isEqualTo(3);
    assertThatThrownBy(() -> send(HEADER - 1))
        .isInstanceOf(GuestAccessException.class)
        .hasMessage("a frame to send has no room for its header of 10 bytes");
  }

  @Test
  void framesThatComeFillBuffersInOrder() {
    started();
    post(0, 1526);
    post(1, 1526);
    cable.arrive(frame(60));
    cable.arrive(frame(1516));
    driver.poll(false);
    assertThat(driver.isInterrupted()).isTrue();
    assertThat(driver.read(19, 1)).isEqualTo(1);
    assertThat(driver.usedIndex(RECEIVE)).isEqualTo(2);
    assertThat(driver.lastUsedByteSize(RECEIVE)).isEqualTo(HEADER + 1516);
    assertThat(received(0, 60)).isEqualTo(frame(60));
    assertThat(received(1, 1516)).isEqualTo(frame(1516));
  }

  @Test
  void frameIsSpreadOverTheBuffersOfAChain() {
    started();
    driver.describe(RECEIVE, 0, BUFFER, HEADER, NEXT | WRITABLE);
    driver.describe(RECEIVE, 1, BUFFER + HEADER, 50, NEXT | WRITABLE);
    driver.describe(RECEIVE, 2, BUFFER + HEADER + 50, 100, WRITABLE);
    driver.offer(RECEIVE, 0);
    cable.arrive(frame(100));
    driver.poll(false);
    assertThat(received(0, 100)).isEqualTo(frame(100));
    assertThat(driver.lastUsedByteSize(RECEIVE)).isEqualTo(HEADER + 100);
  }

  @Test
  void frameThatDoesNotFitIsDroppedAndItsBufferServesTheNext() {
    started();
    post(0, HEADER + 100);
    cable.arrive(frame(101));
    cable.arrive(frame(100));
    driver.poll(false);
    assertThat(driver.usedIndex(RECEIVE)).isEqualTo(1);
    assertThat(received(0, 100)).isEqualTo(frame(100));
  }

  @Test
  void framesWithoutABufferStayInTheLinkUnlessTheGuestSleeps() {
    started();
    cable.arrive(frame(60));
    cable.arrive(frame(61));
    driver.poll(false);
    assertThat(cable.waitingCount()).isEqualTo(2);
    post(0, 1526);
    driver.notify(RECEIVE);
    assertThat(received(0, 60)).isEqualTo(frame(60));
    assertThat(cable.waitingCount()).isEqualTo(1);
    driver.poll(true);
    assertThat(cable.isReady()).isFalse();
    assertThat(driver.usedIndex(RECEIVE)).isEqualTo(1);
  }

  @Test
  void buffersThatWereOfferedBeforeTheDriverWasReadyAreUsedAfterwards() {
    attached();
    driver.place(0);
    post(0, 1526);
    driver.notify(RECEIVE);
    cable.arrive(frame(60));
    driver.poll(false);
    assertThat(driver.usedIndex(RECEIVE)).isZero();
    driver.write(18, 1, 4);
    assertThat(received(0, 60)).isEqualTo(frame(60));
  }

  @Test
  void failureOfTheLinkIsToldOnceAndAgainLessAndLess() {
    started();
    cable.broken(true);
    for (int i = 0; i < 9; i++) {
      send(HEADER, 100);
    }
    assertThat(driver.hostFailures())
        .containsExactly(
            "sending a frame",
            "sending a frame, failure number 2,",
            "sending a frame, failure number 4,",
            "sending a frame, failure number 8,");
    post(0, 1526);
    driver.poll(true);
    assertThat(driver.usedIndex(RECEIVE)).isZero();
  }

  @Test
  void hostileDriverLeavesADeviceThatAnswers() {
    attached();
    for (long seed = 0; seed < Hostility.SEEDS; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      long refused = 0;
      for (int i = 0; i < 100; i++) {
        cable.arrive(frame(14 + random.nextInt(2000)));
        refused += driver.misuse(random, Hostility.ACCESSES / 100, 2);
        cable.forgetSent();
      }
      assertThat(refused).as("seed %d", seed).isBetween(1L, Hostility.ACCESSES / 2);
      driver.start(2);
      assertThat(driver.read(0, 4)).as("seed %d", seed).isEqualTo(1 << 3 | 1 << 5);
    }
    assertThat(driver.hostFailures()).isEmpty();
  }
}
