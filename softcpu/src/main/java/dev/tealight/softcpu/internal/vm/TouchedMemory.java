// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.vm;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * Memory that costs only what is touched, without native access: a private mapping of a sparse
 * temporary file. Nothing is ever written to the file, and it is deleted at once where the host
 * allows that.
 */
final class TouchedMemory {
  private static final Set<OpenOption> OPTIONS =
      Set.of(
          StandardOpenOption.CREATE_NEW,
          StandardOpenOption.READ,
          StandardOpenOption.WRITE,
          StandardOpenOption.SPARSE,
          StandardOpenOption.DELETE_ON_CLOSE);
  private static final Set<PosixFilePermission> OWNER_ALONE =
      Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

  private TouchedMemory() {}

  /** Returns zero-filled memory that lives as long as {@code arena}. */
  static MemorySegment allocate(long byteSize, Arena arena) {
    Path folder = Path.of(System.getProperty("java.io.tmpdir"));
    try (FileChannel channel = create(folder)) {
      return channel.map(FileChannel.MapMode.PRIVATE, 0, byteSize, arena);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "guest memory of %d bytes: mapping a sparse file in %s failed"
              .formatted(byteSize, folder),
          e);
    }
  }

  /**
   * Not {@link java.nio.file.Files#createTempFile}, whose random names load the providers of
   * cryptography, at the cost of ten milliseconds of a cold start. It is enough that the file is
   * new, and nobody else's.
   */
  private static FileChannel create(Path folder) throws IOException {
    FileAttribute<?>[] attributes =
        folder.getFileSystem().supportedFileAttributeViews().contains("posix")
            ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(OWNER_ALONE)}
            : new FileAttribute<?>[0];
    while (true) {
      String name = "tealight-memory-" + Long.toHexString(System.nanoTime()) + ".tmp";
      try {
        return FileChannel.open(folder.resolve(name), OPTIONS, attributes);
      } catch (FileAlreadyExistsException e) {
        // The next name is another one.
      }
    }
  }
}
