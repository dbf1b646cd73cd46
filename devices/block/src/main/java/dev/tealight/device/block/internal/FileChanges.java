// SPDX-License-Identifier: ISC
package dev.tealight.device.block.internal;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Changes in a sparse file, which outlive the device. Little-endian:
 *
 * <table>
 *   <caption>File format</caption>
 *   <tr><th>Offset</th><th>Bytes</th><th>Meaning</th></tr>
 *   <tr><td>0</td><td>8</td><td>{@link #MAGIC}</td></tr>
 *   <tr><td>8</td><td>8</td><td>capacity of the device in bytes</td></tr>
 *   <tr><td>4096</td><td>n</td><td>one byte for each piece: 1 if it is there</td></tr>
 *   <tr><td>next multiple of 4096</td><td></td><td>the pieces, each at its number's place</td></tr>
 * </table>
 */
public final class FileChanges implements Changes {
  /** {@code TEALIGH1} in ASCII. */
  private static final long MAGIC = 0x3148_4749_4c41_4554L;

  private static final int PAGE = 4096;

  private final FileChannel channel;
  private final byte[] present;
  private final long start;

  private FileChanges(FileChannel channel, byte[] present) {
    this.channel = channel;
    this.present = present;
    this.start = PAGE + ((long) present.length + PAGE - 1) / PAGE * PAGE;
  }

  /**
   * Opens or makes the file.
   *
   * @param path of the file
   * @param byteSize capacity of the device
   * @return changes that the caller closes
   * @throws IOException if the host refuses, or the file is no such file or one for another
   *     capacity
   */
  public static FileChanges open(Path path, long byteSize) throws IOException {
    int pieces = Math.toIntExact((byteSize + PIECE_BYTE_SIZE - 1) / PIECE_BYTE_SIZE);
    FileChannel channel =
        FileChannel.open(
            path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try {
      FileChanges changes = new FileChanges(channel, new byte[pieces]);
      if (channel.size() == 0) {
        changes.writeHeader(byteSize);
      } else {
        changes.readHeader(path, byteSize);
      }
      FileChanges opened = changes;
      channel = null;
      return opened;
    } finally {
      if (channel != null) {
        channel.close();
      }
    }
  }

  private void writeHeader(long byteSize) throws IOException {
    ByteBuffer header = ByteBuffer.allocate(PAGE).order(ByteOrder.LITTLE_ENDIAN);
    header.putLong(MAGIC).putLong(byteSize).clear();
    writeFully(header, 0);
    writeFully(ByteBuffer.wrap(present), PAGE);
  }

  private void readHeader(Path path, long byteSize) throws IOException {
    ByteBuffer header = ByteBuffer.allocate(2 * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    readFully(header, 0);
    header.flip();
    if (header.getLong() != MAGIC) {
      throw new IOException("%s is no file with changes of an overlay".formatted(path));
    }
    long recorded = header.getLong();
    if (recorded != byteSize) {
      throw new IOException(
          "%s has changes of a device of %d bytes, but this one has %d bytes"
              .formatted(path, recorded, byteSize));
    }
    readFully(ByteBuffer.wrap(present), PAGE);
  }

  private long position(long piece, int offset) {
    return start + piece * PIECE_BYTE_SIZE + offset;
  }

  @Override
  public boolean has(long piece) {
    return present[(int) piece] != 0;
  }

  @Override
  public void add(long piece, byte[] content) throws IOException {
    writeFully(ByteBuffer.wrap(content), position(piece, 0));
    // Only after its bytes: a process that dies in between leaves the base's in force.
    writeFully(ByteBuffer.wrap(new byte[] {1}), PAGE + piece);
    present[(int) piece] = 1;
  }

  @Override
  public void read(long piece, int offset, ByteBuffer target) throws IOException {
    readFully(target, position(piece, offset));
  }

  @Override
  public void write(long piece, int offset, ByteBuffer source) throws IOException {
    writeFully(source, position(piece, offset));
  }

  private void readFully(ByteBuffer target, long position) throws IOException {
    long at = position;
    while (target.hasRemaining()) {
      int count = channel.read(target, at);
      if (count <= 0) {
        throw new EOFException("the file with the changes ends at offset %d".formatted(at));
      }
      at += count;
    }
  }

  private void writeFully(ByteBuffer source, long position) throws IOException {
    long at = position;
    while (source.hasRemaining()) {
      at += channel.write(source, at);
    }
  }

  @Override
  public void flush() throws IOException {
    channel.force(false);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
