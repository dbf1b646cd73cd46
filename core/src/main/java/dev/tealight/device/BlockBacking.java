// SPDX-License-Identifier: ISC
package dev.tealight.device;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * The storage behind a block device, shared by all kinds of block devices. Used by one thread at a
 * time; requests are checked to be inside {@link #byteSize} before they come here.
 */
public interface BlockBacking extends AutoCloseable {

  /** {@return the capacity in bytes, fixed when it was opened} */
  long byteSize();

  /** {@return whether {@link #write} always fails} */
  boolean isReadOnly();

  /**
   * Fills a buffer from its position to its limit.
   *
   * @param target direct views of guest memory are filled without a copy in between
   * @param position byte offset in the storage, not negative
   * @throws IOException if the storage cannot give all of it; the buffer's content is undefined
   */
  void read(ByteBuffer target, long position) throws IOException;

  /**
   * Stores a buffer from its position to its limit.
   *
   * @param source direct views of guest memory are stored without a copy in between
   * @param position byte offset in the storage, not negative
   * @throws IOException if the storage cannot take all of it; a part may be stored
   */
  void write(ByteBuffer source, long position) throws IOException;

  /**
   * Forces everything written to the storage device.
   *
   * @throws IOException if the host cannot tell that it did
   */
  void flush() throws IOException;

  /**
   * Frees what it holds, without {@link #flush}; harmless if repeated.
   *
   * @throws IOException if the host reports a failure of earlier writes
   */
  @Override
  void close() throws IOException;
}
