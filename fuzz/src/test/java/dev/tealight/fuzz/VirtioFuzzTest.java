// SPDX-License-Identifier: ISC
package dev.tealight.fuzz;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.tealight.GuestAccessException;
import dev.tealight.device.BlockBacking;
import dev.tealight.device.virtio.internal.PciVirtioProvider;
import dev.tealight.testkit.VirtioDriver;
import java.nio.ByteBuffer;

/** Registers and queue memory of a virtio disk, in the hands of its driver. */
class VirtioFuzzTest {
  private static final int MAX_ACCESSES = 64;
  private static final int PORT_COUNT = 64;
  private static final int[] WIDTHS = {1, 2, 4};

  /** Storage that keeps nothing. */
  private record Scratch() implements BlockBacking {
    @Override
    public long byteSize() {
      return 64 << 10;
    }

    @Override
    public boolean isReadOnly() {
      return false;
    }

    @Override
    public void read(ByteBuffer target, long position) {
      while (target.hasRemaining()) {
        target.put((byte) position);
      }
    }

    @Override
    public void write(ByteBuffer source, long position) {
      source.position(source.limit());
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }

  @FuzzTest(maxDuration = "10m")
  void anyAccessIsAnsweredOrTheGuestsFault(FuzzedDataProvider data) {
    VirtioDriver driver = new VirtioDriver();
    new PciVirtioProvider().create(driver, driver).block(new Scratch());
    driver.start(1);
    try {
      for (int i = 0; i < MAX_ACCESSES && data.remainingBytes() > 0; i++) {
        access(driver, data);
      }
    } catch (GuestAccessException e) {
      // The guest's fault ends its run.
    }
    if (!driver.hostFailures().isEmpty()) {
      throw new AssertionError(driver.hostFailures().toString());
    }
    if (driver.read(0, 4) != 1 << 9) {
      throw new AssertionError("the device forgot its features");
    }
  }

  private static void access(VirtioDriver driver, FuzzedDataProvider data) {
    switch (data.consumeInt(0, 4)) {
      case 0 -> driver.read(data.consumeInt(0, PORT_COUNT - 1), data.pickValue(WIDTHS));
      case 1 ->
          driver.write(
              data.consumeInt(0, PORT_COUNT - 1), data.pickValue(WIDTHS), data.consumeInt());
      case 2 ->
          driver
              .memory()
              .writeLong(
                  VirtioDriver.QUEUE + data.consumeInt(0, VirtioDriver.QUEUE_BYTE_SIZE),
                  data.consumeLong());
      case 3 ->
          driver.describe(
              0,
              data.consumeInt(0, 3),
              data.consumeInt(0, VirtioDriver.MEMORY_BYTE_SIZE),
              data.consumeInt(),
              data.consumeInt(0, 7));
      default -> {
        driver.offer(0, data.consumeInt(0, 3));
        driver.notify(0);
      }
    }
  }
}
