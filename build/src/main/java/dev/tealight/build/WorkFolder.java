// SPDX-License-Identifier: ISC
package dev.tealight.build;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Consumer;

/**
 * Where a monitor is built, beside the folder that it will be moved to. A build that is killed
 * leaves it behind, and the next one of the same target removes it: a lock, which ends with the
 * process that holds it, tells whether its owner is still at work.
 */
final class WorkFolder implements AutoCloseable {
  private static final String LOCK = "lock";

  private final Path folder;
  private final FileChannel lock;

  private WorkFolder(Path folder, FileChannel lock) {
    this.folder = folder;
    this.lock = lock;
  }

  /**
   * Creates one, and removes those of the same target whose owners are gone.
   *
   * @param target absolute
   * @param progress gets a line if there is one that cannot be removed
   * @throws IOException if it cannot be created
   */
  static WorkFolder beside(Path target, Consumer<String> progress) throws IOException {
    Path parent = target.resolveSibling("");
    String prefix = ".tealight-build-%s-".formatted(target.getFileName());
    Files.createDirectories(parent);
    removeLeftovers(parent, prefix, progress);
    Path folder = Files.createTempDirectory(parent, prefix);
    try {
      return new WorkFolder(folder, lock(folder));
    } catch (IOException e) {
      Folders.delete(folder);
      throw e;
    }
  }

  /** Makes the file by which others know; it gets its name when it is locked already. */
  private static FileChannel lock(Path folder) throws IOException {
    Path unlocked = folder.resolve("unlocked");
    FileChannel channel =
        FileChannel.open(unlocked, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    try {
      channel.tryLock();
    } catch (IOException e) {
      // A file system without locks: nobody can tell there what is left over, and nobody tries.
    }
    Files.move(unlocked, folder.resolve(LOCK));
    return channel;
  }

  private static void removeLeftovers(Path parent, String prefix, Consumer<String> progress)
      throws IOException {
    // The names of another target may begin with this one's, but do not go on with digits alone.
    try (DirectoryStream<Path> candidates =
        Files.newDirectoryStream(
            parent, path -> path.getFileName().toString().startsWith(prefix))) {
      for (Path candidate : candidates) {
        if (candidate.getFileName().toString().substring(prefix.length()).matches("[0-9]+")) {
          removeUnlessLocked(candidate, progress);
        }
      }
    }
  }

  /** Without a lock, it is not a build's, or one that is just beginning: it stays. */
  private static void removeUnlessLocked(Path leftover, Consumer<String> progress) {
    Path file = leftover.resolve(LOCK);
    if (!Files.exists(file)) {
      return;
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      if (channel.tryLock() != null) {
        Folders.delete(leftover);
      }
    } catch (OverlappingFileLockException e) {
      // A build in this JVM.
    } catch (IOException e) {
      progress.accept("%s is left, its build was killed: %s".formatted(leftover, e));
    }
  }

  /** {@return where the monitor is put together; to be moved away when it is complete} */
  Path monitor() {
    return folder.resolve("monitor");
  }

  /** {@return where everything else is put} */
  Path scratch() {
    return folder.resolve("scratch");
  }

  /** Removes what is left of it. */
  @Override
  public void close() throws IOException {
    try (lock) {
      Folders.delete(folder);
    }
  }
}
