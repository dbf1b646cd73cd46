// SPDX-License-Identifier: ISC
package dev.tealight.device.block.internal;

import dev.tealight.device.BlockBacking;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A file or a host's block device: one positional host call for a request. */
public final class FileBacking implements BlockBacking {
  private final FileChannel channel;
  private final boolean owned;
  private final boolean readOnly;
  private final long byteSize;

  private FileBacking(FileChannel channel, boolean owned, boolean readOnly) throws IOException {
    this.channel = channel;
    this.owned = owned;
    this.readOnly = readOnly;
    this.byteSize = channel.size();
  }

  /**
   * Opens a file.
   *
   * @param path must exist
   * @param readOnly whether it is opened for reading alone
   * @return storage that the caller closes
   * @throws IOException if the host refuses
   */
  public static FileBacking open(Path path, boolean readOnly) throws IOException {
    if (Files.isDirectory(path)) {
      throw new FileSystemException(path.toString(), null, "is a directory");
    }
    FileChannel channel =
        readOnly
            ? FileChannel.open(path, StandardOpenOption.READ)
            : FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try {
      return new FileBacking(channel, true, readOnly);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  /**
   * Uses an open file.
   *
   * @param channel stays the caller's
   * @param readOnly whether nothing is written
   * @return storage that leaves the channel open
   * @throws IOException if the channel cannot tell its size
   */
  public static FileBacking over(FileChannel channel, boolean readOnly) throws IOException {
    return new FileBacking(channel, false, readOnly);
  }

  @Override
  public long byteSize() {
    return byteSize;
  }

  @Override
  public boolean isReadOnly() {
    return readOnly;
  }

  @Override
  public void read(ByteBuffer target, long position) throws IOException {
    long at = position;
    while (target.hasRemaining()) {
      int count = channel.read(target, at);
      if (count <= 0) {
        throw new EOFException(
            "the file has become shorter: %d bytes are missing at offset %d"
                .formatted(target.remaining(), at));
      }
      at += count;
    }
  }

  @Override
  public void write(ByteBuffer source, long position) throws IOException {
    long at = position;
    while (source.hasRemaining()) {
      int count = channel.write(source, at);
      if (count <= 0) {
        throw new IOException(
            "the file takes no more: %d bytes are left for offset %d"
                .formatted(source.remaining(), at));
      }
      at += count;
    }
  }

  @Override
  public void flush() throws IOException {
    channel.force(false);
  }

  @Override
  public void close() throws IOException {
    if (owned) {
      channel.close();
    }
  }
}
