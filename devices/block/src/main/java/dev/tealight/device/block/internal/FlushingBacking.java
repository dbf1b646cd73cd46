// SPDX-License-Identifier: ISC
package dev.tealight.device.block.internal;

import dev.tealight.device.BlockBacking;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Storage whose every write is forced out before it counts as done. */
record FlushingBacking(BlockBacking storage) implements BlockBacking {

  @Override
  public long byteSize() {
    return storage.byteSize();
  }

  @Override
  public boolean isReadOnly() {
    return storage.isReadOnly();
  }

  @Override
  public void read(ByteBuffer target, long position) throws IOException {
    storage.read(target, position);
  }

  @Override
  public void write(ByteBuffer source, long position) throws IOException {
    storage.write(source, position);
    storage.flush();
  }

  @Override
  public void flush() throws IOException {
    storage.flush();
  }

  @Override
  public void close() throws IOException {
    storage.close();
  }
}
