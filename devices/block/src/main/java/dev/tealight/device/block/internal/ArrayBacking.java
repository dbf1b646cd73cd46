// SPDX-License-Identifier: ISC
package dev.tealight.device.block.internal;

import dev.tealight.device.BlockBacking;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;

/** Given bytes, only read: what a device in memory with initial content is laid over. */
public final class ArrayBacking implements BlockBacking {
  private final byte[] bytes;

  /**
   * Creates one.
   *
   * @param bytes not copied
   */
  public ArrayBacking(byte[] bytes) {
    this.bytes = bytes;
  }

  @Override
  public long byteSize() {
    return bytes.length;
  }

  @Override
  public boolean isReadOnly() {
    return true;
  }

  @Override
  public void read(ByteBuffer target, long position) {
    target.put(bytes, Math.toIntExact(position), target.remaining());
  }

  @Override
  public void write(ByteBuffer source, long position) {
    throw new ReadOnlyBufferException();
  }

  @Override
  public void flush() {}

  @Override
  public void close() {}
}
