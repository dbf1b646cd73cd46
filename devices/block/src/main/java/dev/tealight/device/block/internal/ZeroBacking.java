// SPDX-License-Identifier: ISC
package dev.tealight.device.block.internal;

import dev.tealight.device.BlockBacking;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;

/**
 * Zeros: what an empty device in memory is laid over.
 *
 * @param byteSize capacity
 */
public record ZeroBacking(long byteSize) implements BlockBacking {
  private static final byte[] ZEROS = new byte[8 * 1024];

  @Override
  public boolean isReadOnly() {
    return true;
  }

  @Override
  public void read(ByteBuffer target, long position) {
    while (target.hasRemaining()) {
      target.put(ZEROS, 0, Math.min(target.remaining(), ZEROS.length));
    }
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
