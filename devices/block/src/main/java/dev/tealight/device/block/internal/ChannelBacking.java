// SPDX-License-Identifier: ISC
package dev.tealight.device.block.internal;

import dev.tealight.device.BlockBacking;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;

/** A channel of the embedder that is no file; moves its position. */
public final class ChannelBacking implements BlockBacking {
  private final SeekableByteChannel channel;
  private final boolean readOnly;
  private final long byteSize;

  /**
   * Creates one.
   *
   * @param channel stays the caller's
   * @param readOnly whether nothing is written
   * @throws IOException if the channel cannot tell its size
   */
  public ChannelBacking(SeekableByteChannel channel, boolean readOnly) throws IOException {
    this.channel = channel;
    this.readOnly = readOnly;
    this.byteSize = channel.size();
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
    channel.position(position);
    while (target.hasRemaining()) {
      if (channel.read(target) <= 0) {
        throw new EOFException(
            "the channel ends %d bytes before the end of a read at offset %d"
                .formatted(target.remaining(), position));
      }
    }
  }

  @Override
  public void write(ByteBuffer source, long position) throws IOException {
    channel.position(position);
    while (source.hasRemaining()) {
      if (channel.write(source) <= 0) {
        throw new IOException(
            "the channel takes no more: %d bytes are left of a write at offset %d"
                .formatted(source.remaining(), position));
      }
    }
  }

  @Override
  public void flush() {
    // A channel of unknown kind has nothing that could be forced.
  }

  @Override
  public void close() {}
}
