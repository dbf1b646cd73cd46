// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.vm;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Memory that costs only what is touched, without native access: a private mapping of a sparse
 * temporary file. Nothing is ever written to the file, and it is deleted at once where the host
 * allows that.
 */
final class TouchedMemory {
  private TouchedMemory() {}

  /** Returns zero-filled memory that lives as long as {@code arena}. */
  static MemorySegment allocate(long byteSize, Arena arena) {
    Path file = null;
    try {
      file = Files.createTempFile("tealight-memory", ".tmp");
      try (FileChannel channel =
          FileChannel.open(
              file,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              StandardOpenOption.SPARSE,
              StandardOpenOption.DELETE_ON_CLOSE)) {
        return channel.map(FileChannel.MapMode.PRIVATE, 0, byteSize, arena);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          "guest memory of %d bytes: mapping a sparse file %s failed".formatted(byteSize, file), e);
    }
  }
}
