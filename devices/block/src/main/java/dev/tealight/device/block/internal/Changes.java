// SPDX-License-Identifier: ISC
package dev.tealight.device.block.internal;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Where an overlay keeps what was written: pieces of {@link #PIECE_BYTE_SIZE} bytes, each there as
 * a whole or not at all. One thread at a time.
 */
public interface Changes extends AutoCloseable {

  /** Bytes that come over from the base when the first of them is written: 64 KiB. */
  int PIECE_BYTE_SIZE = 64 * 1024;

  /**
   * {@return whether a piece was added}
   *
   * @param piece its number, from 0
   */
  boolean has(long piece);

  /**
   * Adds a piece.
   *
   * @param piece its number, not there yet
   * @param content of {@link #PIECE_BYTE_SIZE} bytes, padded at the end of the device
   * @throws IOException if there is no room; the piece is not added then
   */
  void add(long piece, byte[] content) throws IOException;

  /**
   * Fills a buffer from a piece.
   *
   * @param piece its number, is there
   * @param offset of the first byte in the piece
   * @param target filled up to its limit, which is inside the piece
   * @throws IOException if the host fails
   */
  void read(long piece, int offset, ByteBuffer target) throws IOException;

  /**
   * Stores a buffer in a piece.
   *
   * @param piece its number, is there
   * @param offset of the first byte in the piece
   * @param source stored up to its limit, which is inside the piece
   * @throws IOException if the host fails
   */
  void write(long piece, int offset, ByteBuffer source) throws IOException;

  /**
   * Forces everything to the storage device, where there is one.
   *
   * @throws IOException if the host cannot tell that it did
   */
  void flush() throws IOException;

  @Override
  void close() throws IOException;
}
