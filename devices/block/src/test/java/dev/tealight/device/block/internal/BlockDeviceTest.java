// SPDX-License-Identifier: ISC
package dev.tealight.device.block.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.GuestAccessException;
import dev.tealight.GuestMemory;
import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.device.BlockBacking;
import dev.tealight.device.Device;
import dev.tealight.device.block.BlockConfig;
import dev.tealight.device.block.Fsync;
import dev.tealight.testkit.Allocation;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a guest gets for its calls, on all backings alike. */
class BlockDeviceTest {
  private static final int CAPACITY = 64 * 512;
  private static final int MEMORY = 1 << 20;
  private static final long REQUESTS = 20_000;
  private static final long BUFFER = 0x10000;

  @TempDir Path folder;
  private final Arena arena = Arena.ofShared();
  private final GuestMemory memory = GuestMemory.over(arena.allocate(MEMORY));

  @AfterEach
  void freeMemory() {
    arena.close();
  }

  private Path file(long byteSize) throws IOException {
    Path path = folder.resolve("disk.img");
    try (FileChannel channel =
        FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.allocate(1), byteSize - 1);
    }
    return path;
  }

  @Test
  void guestLearnsCapacityAndSectorSize() {
    try (Device device = BlockConfig.memory(0x12000).sectorByteSize(4096).create("storage")) {
      Harness guest = new Harness(memory, device);
      assertThat(guest.properties)
          .containsExactly(0, 0x20, 1, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0);
    }
  }

  @Test
  void whatWasWrittenIsInTheFile() throws IOException {
    Path path = file(CAPACITY);
    memory.writeLong(BUFFER, 0x1122334455667788L);
    try (Device device = BlockConfig.file(path).create("storage")) {
      assertThat(new Harness(memory, device).request(Harness.WRITE, 512, BUFFER, 512)).isZero();
    }
    assertThat(ByteBuffer.wrap(Files.readAllBytes(path)).getLong(512))
        .isEqualTo(Long.reverseBytes(0x1122334455667788L));
  }

  @Test
  void whatIsInTheFileIsRead() throws IOException {
    Path path = file(CAPACITY);
    byte[] content = new byte[CAPACITY];
    content[1000] = 42;
    Files.write(path, content);
    try (Device device = BlockConfig.file(path).create("storage")) {
      assertThat(new Harness(memory, device).request(Harness.READ, 1000, BUFFER, 1)).isZero();
    }
    assertThat(memory.readByte(BUFFER)).isEqualTo((byte) 42);
  }

  @Test
  void offsetAndLengthNeedNotBeWholeSectors() {
    try (Device device = BlockConfig.memory(CAPACITY).create("storage")) {
      Harness guest = new Harness(memory, device);
      memory.writeInt(BUFFER, 0xCAFE);
      assertThat(guest.request(Harness.WRITE, 511, BUFFER, 3)).isZero();
      assertThat(guest.request(Harness.READ, 511, BUFFER + 8, 3)).isZero();
      assertThat(memory.readInt(BUFFER + 8)).isEqualTo(0xCAFE);
    }
  }

  @Test
  void lengthZeroSucceedsAndMovesNothing() {
    try (Device device = BlockConfig.memory(CAPACITY).create("storage")) {
      Harness guest = new Harness(memory, device);
      assertThat(guest.request(Harness.READ, 0, MEMORY, 0)).isZero();
      assertThat(guest.request(Harness.WRITE, CAPACITY - 1, MEMORY, 0)).isZero();
    }
  }

  @Property
  void onlyRequestsInsideTheCapacityAreValid(
      @ForAll("edges") long offset, @ForAll("edges") long byteSize) {
    boolean inside =
        offset >= 0 && offset < CAPACITY && byteSize >= 0 && byteSize <= CAPACITY - offset;
    try (Arena own = Arena.ofConfined();
        Device device = BlockConfig.memory(CAPACITY).create("storage")) {
      Harness guest = new Harness(GuestMemory.over(own.allocate(MEMORY)), device);
      for (int nr : new int[] {Harness.READ, Harness.WRITE}) {
        assertThat(guest.request(nr, offset, BUFFER, byteSize)).isEqualTo(inside ? 0 : 2);
      }
    }
  }

  @Provide
  Arbitrary<Long> edges() {
    return Arbitraries.oneOf(
        Arbitraries.longs().between(-2, CAPACITY + 2),
        Arbitraries.of(0L, 1L, CAPACITY - 1L, (long) CAPACITY, CAPACITY + 1L),
        Arbitraries.longs());
  }

  @Property
  void buffersThatLeaveMemoryAreTheGuestsFault(
      @ForAll @LongRange(min = MEMORY - 511) long below, @ForAll boolean negative) {
    long gpa = negative ? -below : below;
    try (Arena own = Arena.ofConfined();
        Device device = BlockConfig.memory(CAPACITY).create("storage")) {
      Harness guest = new Harness(GuestMemory.over(own.allocate(MEMORY)), device);
      assertThatThrownBy(() -> guest.request(Harness.READ, 0, gpa, 512))
          .isInstanceOf(GuestAccessException.class);
      assertThatThrownBy(() -> guest.request(Harness.WRITE, 0, gpa, 512))
          .isInstanceOf(GuestAccessException.class);
    }
  }

  @Test
  void lastBytesOfMemoryAreABuffer() {
    try (Device device = BlockConfig.memory(CAPACITY).create("storage")) {
      Harness guest = new Harness(memory, device);
      assertThat(guest.request(Harness.READ, 0, MEMORY - 512, 512)).isZero();
    }
  }

  @Test
  void rangeOnTheDeviceIsCheckedBeforeTheBuffer() {
    try (Device device = BlockConfig.memory(CAPACITY).create("storage")) {
      assertThat(new Harness(memory, device).request(Harness.READ, CAPACITY, -1, 512)).isEqualTo(2);
    }
  }

  @Test
  void protectedPagesMayBeWrittenToTheDeviceButNotReadInto() {
    memory.restrict(List.of(new Region(BUFFER, 4096, Protection.READ_ONLY)));
    try (Device device = BlockConfig.memory(CAPACITY).create("storage")) {
      Harness guest = new Harness(memory, device);
      assertThat(guest.request(Harness.WRITE, 0, BUFFER, 512)).isZero();
      assertThatThrownBy(() -> guest.request(Harness.READ, 0, BUFFER + 4095, 2))
          .isInstanceOf(GuestAccessException.class)
          .hasMessageContaining("gpa=0x10fff");
    }
  }

  @Test
  void readOverTheArgumentBlockUsesTheArgumentsFromBefore() {
    byte[] content = new byte[CAPACITY];
    Arrays.fill(content, (byte) 0xff);
    try (Device device = BlockConfig.memory(content).create("storage")) {
      Harness guest = new Harness(memory, device);
      assertThat(guest.request(Harness.READ, 0, Harness.BLOCK, 512)).isZero();
      assertThat(memory.readLong(Harness.BLOCK + 24)).isEqualTo(-1);
    }
  }

  @Test
  void writeToAReadOnlyDeviceIsRefusedWithoutBotheringTheHost() throws IOException {
    try (Device device = BlockConfig.file(file(CAPACITY)).readOnly().create("storage")) {
      Harness guest = new Harness(memory, device);
      assertThat(guest.request(Harness.WRITE, 0, BUFFER, 512)).isEqualTo(3);
      assertThat(guest.request(Harness.READ, 0, BUFFER, 512)).isZero();
      assertThat(guest.failures).isEmpty();
    }
  }

  @Test
  void fileThatShrankGivesTheGuestAnErrorAndTheHostALine() throws IOException {
    Path path = file(CAPACITY);
    try (Device device = BlockConfig.file(path).create("storage")) {
      Harness guest = new Harness(memory, device);
      try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
        channel.truncate(700);
      }
      assertThat(guest.request(Harness.READ, 512, BUFFER, 512)).isEqualTo(3);
      assertThat(guest.failures)
          .containsExactly(
              "read of 512 bytes at offset 512: the file has become shorter: 324 bytes are missing"
                  + " at offset 700");
      assertThat(guest.request(Harness.READ, 0, BUFFER, 512)).isZero();
    }
  }

  @Test
  void channelThatIsClosedGivesTheGuestAnError() throws IOException {
    Path path = file(CAPACITY);
    FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try (Device device = BlockConfig.channel(channel).create("storage")) {
      Harness guest = new Harness(memory, device);
      channel.close();
      assertThat(guest.request(Harness.WRITE, 0, BUFFER, 512)).isEqualTo(3);
      assertThat(guest.request(Harness.READ, 0, BUFFER, 512)).isEqualTo(3);
      assertThat(guest.failures).hasSize(2);
    }
  }

  @Test
  void repeatedFailuresAreToldLessAndLessOften() {
    try (Device device = BlockConfig.of("a full disk", readOnly -> new Failing()).create("d")) {
      Harness guest = new Harness(memory, device);
      for (int i = 0; i < 100; i++) {
        assertThat(guest.request(Harness.WRITE, 0, BUFFER, 512)).isEqualTo(3);
      }
      assertThat(guest.failures).hasSize(7).last().asString().contains("failure number 64");
    }
  }

  @Test
  void longRequestsLetTheLoopSeeWhetherToStop() {
    int byteSize = 10 << 20;
    try (Arena own = Arena.ofShared();
        Device device = BlockConfig.memory(byteSize).create("storage")) {
      GuestMemory large = GuestMemory.over(own.allocate(16 << 20));
      large.writeInt(BUFFER + byteSize - 4, 0xCAFE);
      Harness guest = new Harness(large, device);
      assertThat(guest.request(Harness.WRITE, 0, BUFFER, byteSize)).isZero();
      assertThat(guest.waits).isEqualTo(2);
      assertThat(guest.request(Harness.READ, byteSize - 4, 0x2000, 4)).isZero();
      assertThat(large.readInt(0x2000)).isEqualTo(0xCAFE);
    }
  }

  @Test
  void buffersMayLieAnywhereInLargeMemory() throws IOException {
    long memoryByteSize = (4L << 30);
    try (Arena own = Arena.ofShared();
        FileChannel sparse =
            FileChannel.open(
                folder.resolve("memory"),
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        Device device = BlockConfig.memory(CAPACITY).create("storage")) {
      MemorySegment mapped = sparse.map(FileChannel.MapMode.READ_WRITE, 0, memoryByteSize, own);
      GuestMemory large = GuestMemory.over(mapped);
      Harness guest = new Harness(large, device);
      for (long gpa :
          new long[] {(1L << 30) - 256, (1L << 31) - 1, (3L << 30) - 1, memoryByteSize - 512}) {
        large.writeLong(gpa + 504, gpa);
        assertThat(guest.request(Harness.WRITE, 512, gpa, 512)).isZero();
        assertThat(guest.request(Harness.READ, 512, BUFFER, 512)).isZero();
        assertThat(large.readLong(BUFFER + 504)).isEqualTo(gpa);
      }
    }
  }

  @Test
  void fsyncComesWhenThePolicySays() {
    assertThat(flushes(Fsync.NEVER)).containsExactly("write", "write", "close");
    assertThat(flushes(Fsync.ON_CLOSE)).containsExactly("write", "write", "flush", "close");
    assertThat(flushes(Fsync.EACH_WRITE))
        .containsExactly("write", "flush", "write", "flush", "flush", "close");
  }

  private List<String> flushes(Fsync policy) {
    List<String> calls = new ArrayList<>();
    Device device =
        BlockConfig.of("recorder", readOnly -> new Recorder(calls)).fsync(policy).create("d");
    Harness guest = new Harness(memory, device);
    assertThat(guest.request(Harness.WRITE, 0, BUFFER, 512)).isZero();
    assertThat(guest.request(Harness.WRITE, 0, BUFFER, 512)).isZero();
    device.close();
    device.close();
    return calls;
  }

  @Test
  void requestsAllocateNothing() throws Exception {
    try (Device file = BlockConfig.file(file(CAPACITY)).create("file");
        Device heap = BlockConfig.memory(CAPACITY).create("heap")) {
      // The smallest object has 16 bytes; less than one for each request is the measuring itself.
      assertThat(allocatedByteSize(new Harness(memory, file))).isLessThan(REQUESTS);
      assertThat(allocatedByteSize(new Harness(memory, heap))).isLessThan(REQUESTS);
    }
  }

  private static long allocatedByteSize(Harness guest) {
    Allocation allocation = new Allocation();
    transfer(guest);
    long before = allocation.byteSize();
    transfer(guest);
    return allocation.byteSize() - before;
  }

  private static void transfer(Harness guest) {
    for (int i = 0; i < REQUESTS / 2; i++) {
      guest.request(Harness.WRITE, 512, BUFFER, 512);
      guest.request(Harness.READ, 512, BUFFER, 512);
    }
  }

  private static class Recorder implements BlockBacking {
    private final List<String> calls;

    Recorder(List<String> calls) {
      this.calls = calls;
    }

    @Override
    public long byteSize() {
      return CAPACITY;
    }

    @Override
    public boolean isReadOnly() {
      return false;
    }

    @Override
    public void read(ByteBuffer target, long position) throws IOException {
      calls.add("read");
    }

    @Override
    public void write(ByteBuffer source, long position) throws IOException {
      calls.add("write");
    }

    @Override
    public void flush() {
      calls.add("flush");
    }

    @Override
    public void close() {
      calls.add("close");
    }
  }

  private static final class Failing extends Recorder {
    Failing() {
      super(new ArrayList<>());
    }

    @Override
    public void write(ByteBuffer source, long position) throws IOException {
      throw new IOException("No space left on device");
    }
  }
}
