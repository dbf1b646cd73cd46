// SPDX-License-Identifier: ISC
package dev.tealight.device.block.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Changes in the JVM's heap, gone when closed. */
public final class HeapChanges implements Changes {
  /** Pieces for each row of the table: a device of 1 TiB costs 128 KiB before it is written to. */
  private static final int ROW_LENGTH = 1024;

  private byte[] @Nullable [] @Nullable [] rows;

  /**
   * Creates an empty one.
   *
   * @param byteSize capacity of the device
   */
  public HeapChanges(long byteSize) {
    long pieces = (byteSize + PIECE_BYTE_SIZE - 1) / PIECE_BYTE_SIZE;
    rows = new byte[Math.toIntExact((pieces + ROW_LENGTH - 1) / ROW_LENGTH)][][];
  }

  private byte @Nullable [] find(long piece) {
    byte[] @Nullable [] row = rows[(int) (piece / ROW_LENGTH)];
    return row == null ? null : row[(int) (piece % ROW_LENGTH)];
  }

  private byte[] get(long piece) {
    return Objects.requireNonNull(find(piece));
  }

  @Override
  public boolean has(long piece) {
    return find(piece) != null;
  }

  @Override
  public void add(long piece, byte[] content) throws IOException {
    try {
      int index = (int) (piece / ROW_LENGTH);
      byte[] @Nullable [] row = rows[index];
      if (row == null) {
        row = new byte[ROW_LENGTH][];
        rows[index] = row;
      }
      row[(int) (piece % ROW_LENGTH)] = content.clone();
    } catch (OutOfMemoryError e) {
      // The guest decides how much is written: for it, this is a full disk.
      throw new IOException("the heap of this JVM is full", e);
    }
  }

  @Override
  public void read(long piece, int offset, ByteBuffer target) {
    target.put(get(piece), offset, target.remaining());
  }

  @Override
  public void write(long piece, int offset, ByteBuffer source) {
    source.get(get(piece), offset, source.remaining());
  }

  @Override
  public void flush() {}

  @Override
  public void close() {
    rows = new byte[0][][];
  }
}
