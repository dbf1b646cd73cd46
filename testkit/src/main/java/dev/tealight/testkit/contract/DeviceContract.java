// SPDX-License-Identifier: ISC

package dev.tealight.testkit.contract;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tealight.GuestAccessException;
import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.RunResult;
import dev.tealight.device.Device;
import dev.tealight.device.DeviceConfig;
import dev.tealight.device.DeviceHypercall;
import dev.tealight.device.FrameTransfer;
import dev.tealight.solo5.HvtAbi;
import dev.tealight.testkit.DeviceHarness;
import dev.tealight.testkit.HostResources;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What every device does, whatever its guest does. */
public abstract class DeviceContract {
  private static final long END = DeviceHarness.MEMORY_BYTE_SIZE;
  private static final long BLOCK = 0x10000;
  private static final long READ_ONLY = 0x20000;

  /** For subclasses. */
  protected DeviceContract() {}

  /** {@return a configuration that makes a working device, again and again} */
  protected abstract DeviceConfig config();

  /** {@return the hypercalls that it serves; the handle is in the first 8 bytes of their blocks} */
  protected abstract List<DeviceHypercall> hypercalls();

  private DeviceHarness harness() {
    try (Device device = config().create("device1")) {
      return DeviceHarness.of(device.type(), config());
    }
  }

  // Coming and going.

  @Test
  void configurationMakesADeviceEachTime() {
    try (Device one = config().create("one");
        Device other = config().create("other")) {
      assertNotSame(one, other);
      assertFalse(one.type().isBlank());
      assertEquals(one.type(), other.type());
    }
  }

  @Test
  void deviceIsClosedTwiceWithoutHarm() {
    Device device = config().create("device1");
    DeviceHarness.of(device).close();
    device.close();
    device.close();
  }

  @Test
  void deviceThatWasNeverActivatedIsClosed() {
    Device device = config().create("device1");
    device.close();
    device.close();
  }

  @Test
  void deviceServesOneGuestInItsLife() {
    try (Device device = config().create("device1")) {
      DeviceHarness.of(device).close();
      assertThrows(IllegalStateException.class, () -> DeviceHarness.of(device).close());
    }
  }

  @Test
  void devicesLeaveNothingBehind() {
    if (HostResources.isKnown()) {
      HostResources.assertNothingLeftBy(20, 40, () -> config().create("device1").close());
    }
  }

  @Test
  void propertiesAreTheSameForEachDeviceOfAConfiguration() {
    try (DeviceHarness one = harness();
        DeviceHarness other = harness()) {
      assertEquals(16, one.properties().length);
      assertArrayEquals(one.properties(), other.properties());
    }
  }

  // Hostile guests: each request gets a result code or ends the run as the guest's fault.

  @Test
  void argumentBlockOutsideMemoryIsAFault() {
    for (DeviceHypercall call : hypercalls()) {
      for (long address :
          new long[] {END, END - 1, END - call.blockByteSize() + 1, 0xffff_ffffL, 0x8000_0000L}) {
        assertFault(call, address);
      }
    }
  }

  private void assertFault(DeviceHypercall call, long address) {
    try (DeviceHarness harness = harness()) {
      harness.hypercall(call.nr(), address);
      assertInstanceOf(
          RunResult.Faulted.class,
          harness.result().orElse(null),
          () -> "%s with its block at 0x%x".formatted(call.name(), address));
    }
  }

  @Test
  void argumentBlockMayEndWithMemory() {
    for (DeviceHypercall call : hypercalls()) {
      try (DeviceHarness harness = harness()) {
        assertAnswered(harness, call, END - call.blockByteSize(), DeviceHarness.HANDLE);
      }
    }
  }

  @Test
  void resultIntoAReadOnlyPageIsAFault() {
    for (DeviceHypercall call : hypercalls()) {
      try (DeviceHarness harness = harness()) {
        harness.memory().writeLong(READ_ONLY, DeviceHarness.HANDLE);
        harness.vm().protect(List.of(new Region(READ_ONLY, 0x1000, Protection.READ_ONLY)));
        harness.hypercall(call.nr(), READ_ONLY);
        assertInstanceOf(RunResult.Faulted.class, harness.result().orElse(null), () -> call.name());
      }
    }
  }

  @Test
  void handlesOfNoDeviceAreInvalid() {
    for (DeviceHypercall call : hypercalls()) {
      try (DeviceHarness harness = harness()) {
        for (long handle : new long[] {0, 2, 63, 64, 0x7fff_ffff, -1, Long.MIN_VALUE}) {
          assertEquals(
              HvtAbi.RESULT_EINVAL,
              answer(harness, call, BLOCK, handle),
              () -> "%s with handle %d".formatted(call.name(), handle));
        }
      }
    }
  }

  /** The ABI says that a handle has 64 bits of which 32 count. */
  @Test
  void upperHalfOfTheHandleDoesNotCount() {
    for (DeviceHypercall call : hypercalls()) {
      try (DeviceHarness harness = harness()) {
        assertAnswered(harness, call, BLOCK, 1L << 32 | DeviceHarness.HANDLE);
      }
    }
  }

  @Test
  void blocksOfExtremeValuesAreAnsweredOrAFault() {
    long[] extremes = {
      0,
      1,
      511,
      512,
      END - 1,
      END,
      END + 1,
      0xffff_ffffL,
      1L << 32,
      Long.MAX_VALUE,
      Long.MIN_VALUE,
      -1,
      -512,
      BLOCK,
      READ_ONLY
    };
    Random random = new Random(1);
    for (DeviceHypercall call : hypercalls()) {
      for (int round = 0; round < 200; round++) {
        long[] words = new long[Math.ceilDiv(call.blockByteSize(), Long.BYTES)];
        for (int i = 0; i < words.length; i++) {
          words[i] = extremes[random.nextInt(extremes.length)];
        }
        assertAnsweredOrFault(call, words);
      }
    }
  }

  @Test
  void blocksOfRandomBytesAreAnsweredOrAFault() {
    Random random = new Random(2);
    for (DeviceHypercall call : hypercalls()) {
      for (int round = 0; round < 200; round++) {
        assertAnsweredOrFault(
            call, random.longs(Math.ceilDiv(call.blockByteSize(), Long.BYTES)).toArray());
      }
    }
  }

  /** For devices that offer their frames to rings. */
  @Test
  void frameOutsideMemoryOrWhereItMayNotBeIsRefused() {
    try (DeviceHarness harness = harness()) {
      harness.vm().protect(List.of(new Region(READ_ONLY, 0x1000, Protection.READ_ONLY)));
      harness
          .frames()
          .ifPresent(
              frames -> {
                for (long[] range :
                    new long[][] {{END, 60}, {END - 59, 60}, {-1, 60}, {BLOCK, -1}, {-60, 60}}) {
                  assertThrows(GuestAccessException.class, () -> frames.send(range[0], range[1]));
                  assertThrows(
                      GuestAccessException.class, () -> frames.receive(range[0], range[1]));
                }
                assertThrows(
                    GuestAccessException.class, () -> frames.receive(READ_ONLY + 0xfff, 60));
              });
      assertEquals(List.of(), harness.hostFailures());
    }
  }

  /** For devices that offer their frames to rings. */
  @Test
  void frameOfAnySizeHasAResult() {
    try (DeviceHarness harness = harness()) {
      harness
          .frames()
          .ifPresent(
              frames -> {
                for (long size : new long[] {0, 1, 13, 65536, END - BLOCK}) {
                  assertEquals(FrameTransfer.EINVAL, frames.send(BLOCK, size));
                }
                assertEquals(-FrameTransfer.AGAIN, frames.receive(BLOCK, 0));
                for (long size : new long[] {14, 60, 1514, 65535}) {
                  int result = frames.send(BLOCK, size);
                  assertTrue(
                      result == FrameTransfer.OK || result == FrameTransfer.EUNSPEC,
                      () -> "%d bytes: %d".formatted(size, result));
                }
              });
    }
  }

  private void assertAnsweredOrFault(DeviceHypercall call, long[] words) {
    try (DeviceHarness harness = harness()) {
      harness.vm().protect(List.of(new Region(READ_ONLY, 0x1000, Protection.READ_ONLY)));
      for (int i = 0; i < words.length; i++) {
        harness.memory().writeLong(BLOCK + (long) i * Long.BYTES, words[i]);
      }
      harness.memory().writeLong(BLOCK, DeviceHarness.HANDLE);
      harness.hypercall(call.nr(), BLOCK);
      harness
          .result()
          .ifPresent(
              result ->
                  assertInstanceOf(RunResult.Faulted.class, result, () -> call + " " + result));
      // The host was not asked for what cannot be.
      assertEquals(List.of(), harness.hostFailures());
    }
  }

  private static void assertAnswered(
      DeviceHarness harness, DeviceHypercall call, long block, long handle) {
    int code = answer(harness, call, block, handle);
    assertTrue(
        code >= HvtAbi.RESULT_OK && code <= HvtAbi.RESULT_EUNSPEC,
        () -> "%s answered %d".formatted(call.name(), code));
  }

  private static int answer(DeviceHarness harness, DeviceHypercall call, long block, long handle) {
    harness.memory().slice(block, call.blockByteSize()).fill((byte) 0);
    harness.memory().writeLong(block, handle);
    harness.memory().writeInt(block + call.resultOffset(), -1);
    harness.hypercall(call.nr(), block);
    assertTrue(harness.result().isEmpty(), () -> call.name() + ": " + harness.result());
    return harness.memory().readInt(block + call.resultOffset());
  }
}
