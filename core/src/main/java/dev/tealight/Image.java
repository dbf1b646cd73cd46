// SPDX-License-Identifier: ISC
package dev.tealight;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a guest image, wherever they are.
 *
 * <p>Immutable but for the state of what it reads from: one opened {@linkplain #open from a path}
 * wants closing, one over a channel leaves the channel to its owner and moves its position.
 */
public final class Image implements AutoCloseable {
  private final String name;
  private final SeekableByteChannel channel;
  private final boolean owned;
  private final long byteSize;

  private Image(String name, SeekableByteChannel channel, boolean owned) throws IOException {
    this.name = name;
    this.channel = channel;
    this.owned = owned;
    this.byteSize = channel.size();
  }

  /**
   * Opens a file.
   *
   * @param path of the image
   * @return an image that the caller closes
   * @throws ImageException if it cannot be opened; names the file
   */
  public static Image open(Path path) {
    FileChannel channel = null;
    try {
      channel = FileChannel.open(path, StandardOpenOption.READ);
      Image image = new Image(path.toString(), channel, true);
      channel = null;
      return image;
    } catch (IOException e) {
      String why = e instanceof NoSuchFileException ? "no such file" : e.getMessage();
      throw new ImageException("image %s cannot be read: %s".formatted(path, why), e);
    } finally {
      closeQuietly(channel);
    }
  }

  /**
   * Takes an image from a channel.
   *
   * @param name for messages
   * @param channel stays the caller's and must stay open while the image is used
   * @return an image that needs no closing
   * @throws ImageException if the channel cannot tell its size
   */
  public static Image of(String name, SeekableByteChannel channel) {
    try {
      return new Image(name, channel, false);
    } catch (IOException e) {
      throw new ImageException("image %s cannot be read: %s".formatted(name, e.getMessage()), e);
    }
  }

  /**
   * Takes an image from memory.
   *
   * @param name for messages
   * @param bytes the image; must not be changed while the image is used
   * @return an image that needs no closing
   */
  public static Image of(String name, byte[] bytes) {
    return of(name, new ByteArrayChannel(bytes));
  }

  /** {@return where the image comes from, for messages} */
  public String name() {
    return name;
  }

  /** {@return the number of bytes when it was opened} */
  public long byteSize() {
    return byteSize;
  }

  /**
   * Reads a part of it.
   *
   * @param position of the first byte, unsigned
   * @param byteSize how many
   * @param what it is, for the message
   * @return exactly that many bytes
   * @throws ImageException if the image ends before or the heap cannot hold it; names the part
   */
  public byte[] read(long position, int byteSize, String what) {
    Objects.checkIndex(byteSize, Integer.MAX_VALUE);
    if (position < 0 || position > this.byteSize || byteSize > this.byteSize - position) {
      throw new ImageException(
          "image %s ends inside its %s: %d bytes at offset 0x%x, of %d bytes in all"
              .formatted(name, what, byteSize, position, this.byteSize));
    }
    byte[] bytes = allocate(byteSize, what);
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    try {
      channel.position(position);
      while (buffer.hasRemaining()) {
        if (channel.read(buffer) < 0) {
          throw new ImageException("image %s became shorter while it was read".formatted(name));
        }
      }
    } catch (IOException e) {
      throw new ImageException(
          "%s of image %s cannot be read: %s".formatted(what, name, e.getMessage()), e);
    }
    return bytes;
  }

  /** A sparse file may promise more than there is heap, and must not take the JVM with it. */
  private byte[] allocate(int byteSize, String what) {
    try {
      return new byte[byteSize];
    } catch (OutOfMemoryError e) {
      throw new ImageException(
          "%s of image %s has %d bytes, for which the heap of this JVM has no room: start it with a larger -Xmx"
              .formatted(what, name, byteSize),
          e);
    }
  }

  @Override
  public void close() {
    if (owned) {
      closeQuietly(channel);
    }
  }

  private static void closeQuietly(@Nullable SeekableByteChannel channel) {
    if (channel != null) {
      try {
        channel.close();
      } catch (IOException e) {
        // Only reading was done: there is nothing to lose and nothing to tell.
      }
    }
  }

  @Override
  public String toString() {
    return name;
  }

  /** The least that {@link Image} needs of a channel, over an array. */
  private static final class ByteArrayChannel implements SeekableByteChannel {
    private final byte[] bytes;
    private int position;

    ByteArrayChannel(byte[] bytes) {
      this.bytes = bytes;
    }

    @Override
    public int read(ByteBuffer target) {
      int count = Math.min(target.remaining(), bytes.length - position);
      if (count <= 0) {
        return -1;
      }
      target.put(bytes, position, count);
      position += count;
      return count;
    }

    @Override
    public long position() {
      return position;
    }

    @Override
    public SeekableByteChannel position(long newPosition) {
      position = (int) Math.min(newPosition, bytes.length);
      return this;
    }

    @Override
    public long size() {
      return bytes.length;
    }

    @Override
    public int write(ByteBuffer source) {
      throw new NonWritableChannelException();
    }

    @Override
    public SeekableByteChannel truncate(long size) {
      throw new NonWritableChannelException();
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }
}
