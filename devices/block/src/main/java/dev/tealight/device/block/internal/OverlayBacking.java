// SPDX-License-Identifier: ISC
package dev.tealight.device.block.internal;

import dev.tealight.device.BlockBacking;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** Copy on write: bytes come from a base until something is written to their piece. */
public final class OverlayBacking implements BlockBacking {

  /** Makes the place for what is written. */
  @FunctionalInterface
  public interface Opener {

    /**
     * Opens it.
     *
     * @param byteSize capacity of the device
     * @return changes that the overlay closes
     * @throws IOException if the host refuses
     */
    Changes open(long byteSize) throws IOException;
  }

  private final BlockBacking base;
  private final Changes changes;
  private final boolean readOnly;
  private final byte[] piece = new byte[Changes.PIECE_BYTE_SIZE];

  private OverlayBacking(BlockBacking base, Changes changes, boolean readOnly) {
    this.base = base;
    this.changes = changes;
    this.readOnly = readOnly;
  }

  /**
   * Creates one.
   *
   * @param base closed with the overlay, or at once if this fails
   * @param opener makes the place for what is written
   * @param readOnly whether nothing is written
   * @return storage that the caller closes
   * @throws IOException if the host refuses
   */
  public static OverlayBacking open(BlockBacking base, Opener opener, boolean readOnly)
      throws IOException {
    try {
      return new OverlayBacking(base, opener.open(base.byteSize()), readOnly);
    } catch (IOException | RuntimeException e) {
      try {
        base.close();
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }

  @Override
  public long byteSize() {
    return base.byteSize();
  }

  @Override
  public boolean isReadOnly() {
    return readOnly;
  }

  @Override
  public void read(ByteBuffer target, long position) throws IOException {
    int end = target.limit();
    long at = position;
    while (target.position() < end) {
      long number = at / Changes.PIECE_BYTE_SIZE;
      int offset = (int) (at % Changes.PIECE_BYTE_SIZE);
      int count = Math.min(end - target.position(), Changes.PIECE_BYTE_SIZE - offset);
      target.limit(target.position() + count);
      if (changes.has(number)) {
        changes.read(number, offset, target);
      } else {
        base.read(target, at);
      }
      at += count;
    }
  }

  @Override
  public void write(ByteBuffer source, long position) throws IOException {
    int end = source.limit();
    long at = position;
    while (source.position() < end) {
      long number = at / Changes.PIECE_BYTE_SIZE;
      int offset = (int) (at % Changes.PIECE_BYTE_SIZE);
      int count = Math.min(end - source.position(), Changes.PIECE_BYTE_SIZE - offset);
      source.limit(source.position() + count);
      if (!changes.has(number)) {
        bringOver(number);
      }
      changes.write(number, offset, source);
      at += count;
    }
  }

  private void bringOver(long number) throws IOException {
    long start = number * Changes.PIECE_BYTE_SIZE;
    int count = (int) Math.min(Changes.PIECE_BYTE_SIZE, base.byteSize() - start);
    base.read(ByteBuffer.wrap(piece, 0, count), start);
    Arrays.fill(piece, count, piece.length, (byte) 0);
    changes.add(number, piece);
  }

  @Override
  public void flush() throws IOException {
    changes.flush();
  }

  @Override
  public void close() throws IOException {
    try (base) {
      changes.close();
    }
  }
}
