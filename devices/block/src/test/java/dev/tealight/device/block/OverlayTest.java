// SPDX-License-Identifier: ISC
package dev.tealight.device.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.DeviceException;
import dev.tealight.device.BlockBacking;
import dev.tealight.device.block.internal.ArrayBacking;
import dev.tealight.device.block.internal.FileBacking;
import dev.tealight.device.block.internal.FileChanges;
import dev.tealight.device.block.internal.HeapChanges;
import dev.tealight.device.block.internal.OverlayBacking;
import dev.tealight.device.block.internal.ZeroBacking;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Overlays read as a plain copy of their base would and leave the base alone. */
class OverlayTest {
  static final int CAPACITY = 3 * 64 * 1024 + 512;

  @TempDir Path folder;

  private static byte[] randomBytes(int seed, int byteSize) {
    byte[] bytes = new byte[byteSize];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private static byte[] readAll(BlockBacking backing) throws IOException {
    byte[] all = new byte[Math.toIntExact(backing.byteSize())];
    backing.read(ByteBuffer.wrap(all), 0);
    return all;
  }

  @Property(tries = 200)
  void overlayInTheHeapEqualsAnArray(
      @ForAll @Size(max = 6) List<@IntRange(max = CAPACITY - 1) Integer> offsets, @ForAll int seed)
      throws IOException {
    byte[] expected = new byte[CAPACITY];
    try (BlockBacking overlay =
        OverlayBacking.open(new ZeroBacking(CAPACITY), HeapChanges::new, false)) {
      write(overlay, expected, offsets, seed);
      assertThat(readAll(overlay)).isEqualTo(expected);
    }
  }

  private static void write(BlockBacking overlay, byte[] expected, List<Integer> offsets, int seed)
      throws IOException {
    Random random = new Random(seed);
    for (int offset : offsets) {
      byte[] bytes = new byte[random.nextInt(CAPACITY - offset) + 1];
      random.nextBytes(bytes);
      System.arraycopy(bytes, 0, expected, offset, bytes.length);
      overlay.write(ByteBuffer.wrap(bytes), offset);
    }
  }

  @Test
  void changesInAFileAreThereTheNextTime() throws IOException {
    Path base = Files.write(folder.resolve("base"), randomBytes(1, CAPACITY));
    Path changes = folder.resolve("changes");
    byte[] expected = Files.readAllBytes(base);
    for (int run = 0; run < 2; run++) {
      try (BlockBacking overlay = fileOverlay(base, changes)) {
        assertThat(readAll(overlay)).isEqualTo(expected);
        write(overlay, expected, List.of(70_000, CAPACITY - 1), run);
        assertThat(readAll(overlay)).isEqualTo(expected);
      }
    }
    assertThat(Files.readAllBytes(base)).isEqualTo(randomBytes(1, CAPACITY));
  }

  private static BlockBacking fileOverlay(Path base, Path changes) throws IOException {
    return OverlayBacking.open(
        FileBacking.open(base, true), byteSize -> FileChanges.open(changes, byteSize), false);
  }

  @Test
  void changesOfAnotherDeviceAreRefused() throws IOException {
    Path base = Files.write(folder.resolve("base"), new byte[CAPACITY]);
    Path changes = folder.resolve("changes");
    fileOverlay(base, changes).close();
    BlockConfig other = BlockConfig.overlay(BlockConfig.memory(512), changes);
    assertThatThrownBy(() -> other.create("storage"))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining(
            "has changes of a device of %d bytes, but this one has 512 bytes", CAPACITY);
    Files.write(changes, randomBytes(2, 8192));
    assertThatThrownBy(() -> BlockConfig.overlay(BlockConfig.file(base), changes).create("storage"))
        .isInstanceOf(DeviceException.class)
        .hasMessageContaining("is no file with changes of an overlay");
    Files.write(changes, Arrays.copyOf("TEALIGH1".getBytes(StandardCharsets.US_ASCII), 9));
    assertThatThrownBy(() -> BlockConfig.overlay(BlockConfig.file(base), changes).create("storage"))
        .isInstanceOf(DeviceException.class);
  }

  @Test
  void memoryCostsNothingBeforeItIsWritten() throws IOException {
    long capacity = 1L << 40;
    try (BlockBacking overlay =
        OverlayBacking.open(new ZeroBacking(capacity), HeapChanges::new, false)) {
      overlay.write(ByteBuffer.wrap(new byte[] {7}), capacity - 1);
      ByteBuffer read = ByteBuffer.allocate(2);
      overlay.read(read, capacity - 2);
      assertThat(read.array()).containsExactly(0, 7);
    }
  }

  @Test
  void initialBytesOfADeviceInMemoryStayAsTheyAre() throws IOException {
    byte[] bytes = randomBytes(3, CAPACITY);
    byte[] before = bytes.clone();
    try (BlockBacking overlay =
        OverlayBacking.open(new ArrayBacking(bytes), HeapChanges::new, false)) {
      overlay.write(ByteBuffer.wrap(new byte[CAPACITY]), 0);
      assertThat(readAll(overlay)).isEqualTo(new byte[CAPACITY]);
    }
    assertThat(bytes).isEqualTo(before);
  }
}
