// SPDX-License-Identifier: ISC
package dev.tealight.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.tealight.GuestMemory;
import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.RunResult;
import dev.tealight.device.block.BlockConfig;
import dev.tealight.solo5.HvtAbi;
import dev.tealight.testkit.DeviceHarness;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.AfterAll;

/**
 * Requests to a disk, two for each input: the number of the hypercall, the address of its argument
 * block, and what memory holds there.
 */
class BlockFuzzTest {
  private static final int HEADER_BYTE_SIZE = 5;
  private static final int BLOCK_BYTE_SIZE = 40;
  private static final int REQUEST_BYTE_SIZE = HEADER_BYTE_SIZE + BLOCK_BYTE_SIZE;
  private static final long READ_ONLY = 0x20000;

  // Making one takes longer than a request, so it lives until a guest's mistake ends its run.
  private static DeviceHarness disk;

  @AfterAll
  static void close() {
    if (disk != null) {
      disk.close();
    }
  }

  private static DeviceHarness disk() {
    if (disk == null) {
      disk =
          DeviceHarness.of(
              "BLOCK_BASIC", BlockConfig.overlay(BlockConfig.memory(new byte[64 << 10])));
      disk.vm().protect(List.of(new Region(READ_ONLY, 0x1000, Protection.READ_ONLY)));
    }
    return disk;
  }

  @FuzzTest(maxDuration = "10m")
  void anyRequestIsAnsweredOrTheGuestsFault(byte[] requests) {
    for (int at = 0; at + REQUEST_BYTE_SIZE <= requests.length; at += REQUEST_BYTE_SIZE) {
      if (at == 2 * REQUEST_BYTE_SIZE || !request(requests, at)) {
        return;
      }
    }
  }

  /** Makes a request; tells whether the guest goes on. */
  private static boolean request(byte[] bytes, int at) {
    DeviceHarness guest = disk();
    GuestMemory memory = guest.memory();
    MemorySegment header = MemorySegment.ofArray(bytes).asSlice(at, HEADER_BYTE_SIZE);
    int nr = header.get(ValueLayout.JAVA_BYTE, 0) & 7;
    long block = Integer.toUnsignedLong(header.get(ValueLayout.JAVA_INT_UNALIGNED, 1));
    if (memory.isWritable(block, BLOCK_BYTE_SIZE)) {
      memory.copyIn(block, bytes, at + HEADER_BYTE_SIZE, BLOCK_BYTE_SIZE);
    }
    guest.hypercall(nr, block);
    if (!guest.hostFailures().isEmpty()) {
      throw new AssertionError(guest.hostFailures().toString());
    }
    if (guest.result().isEmpty()) {
      int result = memory.readInt(block + BLOCK_BYTE_SIZE - 8);
      if (result < HvtAbi.RESULT_OK || result > HvtAbi.RESULT_EUNSPEC) {
        throw new AssertionError("hypercall %d answered %d".formatted(nr, result));
      }
      return true;
    }
    if (!(guest.result().orElseThrow() instanceof RunResult.Faulted)) {
      throw new AssertionError(guest.result().toString());
    }
    guest.close();
    disk = null;
    return false;
  }
}
