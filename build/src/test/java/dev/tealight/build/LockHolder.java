// SPDX-License-Identifier: ISC
package dev.tealight.build;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A process that holds a lock, as a build does, until it is killed or its input ends. */
final class LockHolder {
  private LockHolder() {}

  /** Locks the file that is named, writes a line, waits. */
  public static void main(String[] words) throws IOException {
    try (FileChannel file = FileChannel.open(Path.of(words[0]), StandardOpenOption.WRITE)) {
      System.out.println(file.tryLock() == null ? "not locked" : "locked");
      int end = System.in.read();
      assert end < 0;
    }
  }
}
