// SPDX-License-Identifier: ISC
package dev.tealight.device.virtio.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.GuestAccessException;
import dev.tealight.device.BlockBacking;
import dev.tealight.testkit.VirtioDriver;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** virtio-blk, from the registers down. */
class VirtioBlockTest {
  private static final int SECTORS = 64;
  private static final long HEADER = 0x20000;
  private static final long DATA = 0x21000;
  private static final long STATUS = 0x30000;
  private static final int NEXT = VirtioDriver.NEXT;
  private static final int WRITABLE = VirtioDriver.WRITABLE;

  /** Storage in an array. */
  private static final class Disk implements BlockBacking {
    final byte[] bytes = new byte[SECTORS * 512];
    boolean readOnly;
    boolean broken;
    int flushes;

    @Override
    public long byteSize() {
      return bytes.length;
    }

    @Override
    public boolean isReadOnly() {
      return readOnly;
    }

    @Override
    public void read(ByteBuffer target, long position) throws IOException {
      check();
      target.put(bytes, (int) position, target.remaining());
    }

    @Override
    public void write(ByteBuffer source, long position) throws IOException {
      check();
      source.get(bytes, (int) position, source.remaining());
    }

    private void check() throws IOException {
      if (broken) {
        throw new IOException("broken");
      }
    }

    @Override
    public void flush() throws IOException {
      check();
      flushes++;
    }

    @Override
    public void close() {}
  }

  private final Disk disk = new Disk();
  private final VirtioDriver driver = new VirtioDriver();

  private VirtioDriver attached() {
    new VirtioBlock(driver, disk).attach(driver.name(), driver);
    return driver;
  }

  private VirtioDriver started() {
    return attached().start(1);
  }

  private int request(int type, long sector, long byteSize, int dataFlags) {
    driver.memory().writeInt(HEADER, type);
    driver.memory().writeLong(HEADER + 8, sector);
    driver.memory().writeByte(STATUS, (byte) 0xff);
    driver.describe(0, 0, HEADER, 16, NEXT);
    driver.describe(0, 1, DATA, byteSize, NEXT | dataFlags);
    driver.describe(0, 2, STATUS, 1, WRITABLE);
    driver.offer(0, 0);
    driver.notify(0);
    return driver.memory().readByte(STATUS) & 0xff;
  }

  @Test
  void capacityIsInSectors() {
    attached();
    assertThat(driver.read(20, 4)).isEqualTo(SECTORS);
    assertThat(driver.read(24, 4)).isZero();
    assertThat(driver.read(20, 1)).isEqualTo(SECTORS);
  }

  @Test
  void whatIsWrittenIsRead() {
    started();
    driver.memory().writeLong(DATA, 0x1122334455667788L);
    assertThat(request(1, 3, 1024, 0)).isZero();
    assertThat(driver.lastUsedByteSize(0)).isEqualTo(1);
    driver.memory().writeLong(DATA, 0);
    assertThat(request(0, 3, 512, WRITABLE)).isZero();
    assertThat(driver.lastUsedByteSize(0)).isEqualTo(513);
    assertThat(driver.memory().readLong(DATA)).isEqualTo(0x1122334455667788L);
    assertThat(driver.usedIndex(0)).isEqualTo(2);
  }

  @Test
  void requestBeyondTheEndFailsAndTransfersNothing() {
    started();
    driver.memory().writeByte(DATA, (byte) 7);
    assertThat(request(0, SECTORS, 512, WRITABLE)).isEqualTo(1);
    assertThat(request(0, SECTORS - 1, 1024, WRITABLE)).isEqualTo(1);
    assertThat(request(0, -1, 512, WRITABLE)).isEqualTo(1);
    assertThat(request(0, Long.MAX_VALUE / 512 + 1, 512, WRITABLE)).isEqualTo(1);
    assertThat(request(0, 0, 511, WRITABLE)).isEqualTo(1);
    assertThat(driver.memory().readByte(DATA)).isEqualTo((byte) 7);
  }

  @Test
  void requestForNoDataSucceedsAndTransfersNothing() {
    started();
    driver.memory().writeByte(DATA, (byte) 7);
    assertThat(request(0, 0, 0, WRITABLE)).isZero();
    assertThat(driver.lastUsedByteSize(0)).isEqualTo(1);
    assertThat(request(1, SECTORS, 0, 0)).isZero();
    assertThat(driver.memory().readByte(DATA)).isEqualTo((byte) 7);
  }

  @Test
  void writeToReadOnlyStorageFails() {
    disk.readOnly = true;
    started();
    assertThat(driver.read(0, 4) & 1 << 5).isNotZero();
    assertThat(request(1, 0, 512, 0)).isEqualTo(1);
  }

  @Test
  void bufferOfTheWrongDirectionFails() {
    started();
    assertThat(request(0, 0, 512, 0)).isEqualTo(1);
    assertThat(request(1, 0, 512, WRITABLE)).isEqualTo(1);
  }

  @Test
  void failureOfTheHostIsAnErrorForTheGuestAndToldOnceAndAgainLessAndLess() {
    disk.broken = true;
    started();
    for (int i = 0; i < 9; i++) {
      assertThat(request(0, 0, 512, WRITABLE)).isEqualTo(1);
    }
    assertThat(driver.hostFailures()).hasSize(4);
  }

  @Test
  void flushReachesTheStorageAndUnknownTypesAreUnsupported() {
    started();
    assertThat(request(4, 0, 0, WRITABLE)).isZero();
    assertThat(disk.flushes).isEqualTo(1);
    assertThat(request(77, 0, 512, WRITABLE)).isEqualTo(2);
  }

  @Test
  void identityIsTheNameOfTheDevice() {
    started();
    assertThat(request(8, 0, 20, WRITABLE)).isZero();
    assertThat(driver.memory().readLong(DATA)).isEqualTo(0x0031_6563_6976_6564L); // "device1"
  }

  @Test
  void interruptStaysUntilItsCauseIsRead() {
    started();
    request(0, 0, 512, WRITABLE);
    assertThat(driver.isInterrupted()).isTrue();
    assertThat(driver.read(19, 1)).isEqualTo(1);
    assertThat(driver.isInterrupted()).isFalse();
    assertThat(driver.read(19, 1)).isZero();
    driver.suppressInterrupts(0);
    request(0, 0, 512, WRITABLE);
    assertThat(driver.isInterrupted()).isFalse();
  }

  @Test
  void nothingIsServedBeforeTheDriverIsReadyOrAfterAReset() {
    attached();
    driver.place(0);
    assertThat(request(0, 0, 512, WRITABLE)).isEqualTo(0xff);
    driver.write(18, 1, 4);
    driver.notify(0);
    assertThat(driver.memory().readByte(STATUS)).isZero();
    driver.write(18, 1, 0);
    assertThat(request(0, 0, 512, WRITABLE)).isEqualTo(0xff);
  }

  @Test
  void registerOfAnotherWidthReadsAsOnesAndIsNotWritten() {
    started();
    assertThat(driver.read(12, 4)).isEqualTo(0xffff_ffffL);
    assertThat(driver.read(18, 2)).isEqualTo(0xffffL);
    driver.write(18, 4, 0);
    assertThat(driver.read(18, 1)).isEqualTo(4);
  }

  @Test
  void requestWithoutStatusEndsTheRun() {
    started();
    driver.describe(0, 0, HEADER, 16, 0);
    driver.offer(0, 0);
    assertThatThrownBy(() -> driver.notify(0))
        .isInstanceOf(GuestAccessException.class)
        .hasMessage("a block request of 1 descriptors lacks header or status");
  }

  /** A read into the available ring makes new requests: one notification serves a queue's worth. */
  @Test
  void deviceThatOverwritesItsOwnRingStillEnds() {
    started();
    disk.bytes[2] = 1; // available index 1, then 2, ...
    driver.memory().writeInt(HEADER, 0);
    driver.describe(0, 0, HEADER, 16, NEXT);
    driver.describe(0, 1, VirtioDriver.QUEUE + 16 * VirtioDriver.QUEUE_SIZE, 512, NEXT | WRITABLE);
    driver.describe(0, 2, STATUS, 1, WRITABLE);
    driver.offer(0, 0);
    driver.notify(0);
    assertThat(driver.usedIndex(0)).isLessThanOrEqualTo(VirtioDriver.QUEUE_SIZE);
  }

  @Test
  void hostileDriverLeavesADeviceThatAnswers() {
    attached();
    for (long seed = 0; seed < Hostility.SEEDS; seed++) {
      long refused = driver.misuse(new SplittableRandom(seed), Hostility.ACCESSES, 1);
      assertThat(refused).as("seed %d", seed).isBetween(1L, Hostility.ACCESSES / 2);
      driver.start(1);
      assertThat(driver.read(0, 4)).as("seed %d", seed).isEqualTo(1 << 9);
    }
    assertThat(driver.hostFailures()).isEmpty();
  }
}
