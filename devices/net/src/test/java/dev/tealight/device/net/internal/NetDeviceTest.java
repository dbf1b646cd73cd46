// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.RunResult;
import dev.tealight.device.net.NetConfig;
import dev.tealight.testkit.DeviceHarness;
import dev.tealight.testkit.DeviceHarness.HostFailure;
import dev.tealight.testkit.QueueLink;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a guest gets for its calls. */
class NetDeviceTest {
  private static final int WRITE = 6;
  private static final int READ = 7;
  private static final int OK = 0;
  private static final int AGAIN = 1;
  private static final int EINVAL = 2;
  private static final int EUNSPEC = 3;
  private static final long BLOCK = 0x1000;
  private static final long BUFFER = 0x10000;
  private static final long MEMORY = DeviceHarness.MEMORY_BYTE_SIZE;

  private final QueueLink link = new QueueLink();
  private final DeviceHarness guest = DeviceHarness.of("NET_BASIC", NetConfig.of(mac -> link));

  @AfterEach
  void close() {
    guest.close();
  }

  private int call(int nr, long gpa, long length) {
    guest.memory().writeLong(BLOCK, DeviceHarness.HANDLE);
    guest.memory().writeLong(BLOCK + 8, gpa);
    guest.memory().writeLong(BLOCK + 16, length);
    guest.memory().writeInt(BLOCK + 24, -1);
    guest.memory().writeInt(BLOCK + 28, 0x55);
    guest.hypercall(nr, BLOCK);
    return guest.memory().readInt(BLOCK + 24);
  }

  private static byte[] frame(int byteSize) {
    byte[] frame = new byte[byteSize];
    for (int i = 0; i < byteSize; i++) {
      frame[i] = (byte) (i * 31 + byteSize);
    }
    return frame;
  }

  @Test
  void frameReachesTheLinkByteByByte() {
    byte[] frame = frame(1514);
    guest.memory().copyIn(BUFFER, frame, 0, frame.length);
    assertThat(call(WRITE, BUFFER, frame.length)).isEqualTo(OK);
    assertThat(link.sent()).containsExactly(frame);
  }

  @Test
  void framesOfAllSizesOfEthernetAreSentAndOthersAreInvalid() {
    for (int size : new int[] {14, 15, 60, 1514, 1515, 9014, 65535}) {
      assertThat(call(WRITE, BUFFER, size)).as("%d bytes", size).isEqualTo(OK);
    }
    assertThat(link.sent())
        .extracting(sent -> sent.length)
        .containsExactly(14, 15, 60, 1514, 1515, 9014, 65535);
    for (int size : new int[] {0, 1, 13, 65536, 1 << 20}) {
      assertThat(call(WRITE, BUFFER, size)).as("%d bytes", size).isEqualTo(EINVAL);
    }
    assertThat(link.sent()).hasSize(7);
  }

  @Test
  void frameReachesTheGuestWithItsLength() {
    byte[] frame = frame(1514);
    link.arrive(frame);
    assertThat(call(READ, BUFFER, 2048)).isEqualTo(OK);
    assertThat(guest.memory().readLong(BLOCK + 16)).isEqualTo(frame.length);
    byte[] got = new byte[frame.length];
    guest.memory().copyOut(BUFFER, got, 0, got.length);
    assertThat(got).isEqualTo(frame);
    assertThat(guest.memory().readInt(BLOCK + 28)).as("padding").isEqualTo(0x55);
  }

  @Test
  void framesComeOneByOneAndInOrder() {
    link.arrive(frame(60));
    link.arrive(frame(61));
    assertThat(call(READ, BUFFER, 2048)).isEqualTo(OK);
    assertThat(guest.memory().readLong(BLOCK + 16)).isEqualTo(60);
    assertThat(call(READ, BUFFER, 2048)).isEqualTo(OK);
    assertThat(guest.memory().readLong(BLOCK + 16)).isEqualTo(61);
    assertThat(call(READ, BUFFER, 2048)).isEqualTo(AGAIN);
  }

  @Test
  void nothingThereLeavesTheLengthAlone() {
    assertThat(call(READ, BUFFER, 1514)).isEqualTo(AGAIN);
    assertThat(guest.memory().readLong(BLOCK + 16)).isEqualTo(1514);
  }

  @Test
  void frameIsCutToTheBufferAndNothingBehindItIsTouched() {
    Random random = new Random(1);
    for (int i = 0; i < 500; i++) {
      assertCut(1 + random.nextInt(3000), 14 + random.nextInt(2987));
    }
  }

  private void assertCut(int capacity, int size) {
    guest.memory().slice(BUFFER, 4096).fill((byte) 0x77);
    link.arrive(frame(size));
    assertThat(call(READ, BUFFER, capacity)).isEqualTo(OK);
    int length = Math.min(capacity, size);
    assertThat(guest.memory().readLong(BLOCK + 16)).isEqualTo(length);
    byte[] got = new byte[4096];
    guest.memory().copyOut(BUFFER, got, 0, got.length);
    byte[] expected = new byte[4096];
    Arrays.fill(expected, (byte) 0x77);
    System.arraycopy(frame(size), 0, expected, 0, length);
    assertThat(got).isEqualTo(expected);
  }

  @Test
  void bufferOfNoBytesTakesNoFrame() {
    link.arrive(frame(60));
    assertThat(call(READ, BUFFER, 0)).isEqualTo(AGAIN);
    assertThat(link.waitingCount()).isEqualTo(1);
  }

  @Test
  void bufferMayEndWithMemory() {
    link.arrive(frame(1514));
    assertThat(call(READ, MEMORY - 1514, 1514)).isEqualTo(OK);
    assertThat(call(WRITE, MEMORY - 1514, 1514)).isEqualTo(OK);
    assertThat(link.sent()).containsExactly(frame(1514));
  }

  @Test
  void bufferOutsideMemoryIsAFaultAndTakesNoFrame() {
    link.arrive(frame(60));
    int _ = call(READ, MEMORY - 1513, 1514);
    assertThat(guest.result()).containsInstanceOf(RunResult.Faulted.class);
    assertThat(link.waitingCount()).isEqualTo(1);
  }

  @Test
  void hostFailureIsACodeToTheGuestAndTold() {
    link.broken(true);
    assertThat(call(WRITE, BUFFER, 60)).isEqualTo(EUNSPEC);
    assertThat(call(READ, BUFFER, 60)).isEqualTo(EUNSPEC);
    assertThat(guest.hostFailures())
        .extracting(HostFailure::what)
        .containsExactly("sending a frame", "receiving a frame, failure number 2,");
    link.broken(false);
    assertThat(call(WRITE, BUFFER, 60)).isEqualTo(OK);
  }

  @Test
  void repeatedHostFailuresAreToldMoreAndMoreRarely() {
    link.broken(true);
    for (int i = 0; i < 1000; i++) {
      assertThat(call(WRITE, BUFFER, 60)).isEqualTo(EUNSPEC);
    }
    assertThat(guest.hostFailures()).hasSize(10);
  }

  @Test
  void guestWaitsForTheLink() {
    assertThat(guest.readiness()).hasSize(1);
    assertThat(guest.readiness().getFirst().isReady()).isFalse();
    link.arrive(frame(60));
    assertThat(guest.readiness().getFirst().isReady()).isTrue();
    assertThat(call(READ, BUFFER, 2048)).isEqualTo(OK);
    assertThat(guest.readiness().getFirst().isReady()).isFalse();
  }
}
