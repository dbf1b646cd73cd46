// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;

/**
 * A file of frames, as Wireshark reads it. One thread at a time; a frame allocates nothing but the
 * look at the clock.
 *
 * @see <a href="https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/">pcap</a>
 * @see <a href="https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/">pcapng</a>
 */
public final class CaptureFile implements AutoCloseable {

  /** Which way a frame went, as pcapng numbers it. */
  public enum Direction {
    /** To the guest. */
    RECEIVED(1),
    /** From the guest. */
    SENT(2);

    private final int flags;

    Direction(int flags) {
      this.flags = flags;
    }
  }

  /** How the file is laid out. */
  public enum Format {
    /** The older one, with times in nanoseconds. */
    PCAP,
    /** The newer one, which also tells the direction. */
    PCAPNG
  }

  private static final int BUFFER_BYTE_SIZE = 256 * 1024;
  private static final int SNAPSHOT_BYTE_SIZE = 65535;
  private static final int ETHERNET = 1;
  private static final long NANOS_PER_SECOND = 1_000_000_000;

  // pcap.
  private static final int PCAP_NANOSECOND_MAGIC = 0xa1b23c4d;

  // pcapng.
  private static final int SECTION_HEADER = 0x0a0d0d0a;
  private static final int BYTE_ORDER_MAGIC = 0x1a2b3c4d;
  private static final int SECTION_BYTE_SIZE = 28;
  private static final int INTERFACE_DESCRIPTION = 1;
  private static final int INTERFACE_BYTE_SIZE = 32;
  private static final short IF_TSRESOL = 9;
  private static final byte NANOSECONDS = 9;
  private static final int ENHANCED_PACKET = 6;
  private static final int PACKET_BYTE_SIZE = 44;
  private static final short EPB_FLAGS = 2;

  private final FileChannel file;
  private final Format format;
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(BUFFER_BYTE_SIZE).order(ByteOrder.LITTLE_ENDIAN);
  private final MemorySegment bytes = MemorySegment.ofBuffer(buffer.duplicate().clear());

  private CaptureFile(FileChannel file, Format format) {
    this.file = file;
    this.format = format;
  }

  /**
   * Makes a file without frames.
   *
   * @param path overwritten
   * @param format how it is laid out
   * @return a file that the caller closes
   * @throws IOException if the host refuses
   */
  public static CaptureFile create(Path path, Format format) throws IOException {
    FileChannel file =
        FileChannel.open(
            path,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING);
    CaptureFile capture = new CaptureFile(file, format);
    capture.putHeader();
    return capture;
  }

  private void putHeader() {
    switch (format) {
      case PCAP ->
          buffer
              .putInt(PCAP_NANOSECOND_MAGIC)
              .putShort((short) 2)
              .putShort((short) 4)
              .putLong(0)
              .putInt(SNAPSHOT_BYTE_SIZE)
              .putInt(ETHERNET);
      case PCAPNG -> {
        buffer
            .putInt(SECTION_HEADER)
            .putInt(SECTION_BYTE_SIZE)
            .putInt(BYTE_ORDER_MAGIC)
            .putShort((short) 1)
            .putShort((short) 0)
            .putLong(-1) // the section's length is not known
            .putInt(SECTION_BYTE_SIZE);
        buffer
            .putInt(INTERFACE_DESCRIPTION)
            .putInt(INTERFACE_BYTE_SIZE)
            .putInt(ETHERNET)
            .putInt(SNAPSHOT_BYTE_SIZE)
            .putShort(IF_TSRESOL)
            .putShort((short) 1)
            .putInt(NANOSECONDS)
            .putInt(0) // end of options
            .putInt(INTERFACE_BYTE_SIZE);
      }
    }
  }

  /**
   * Adds a frame.
   *
   * @param direction where it went
   * @param memory that holds it
   * @param offset of its first byte
   * @param byteSize at most 65535
   * @throws IOException if the host refuses
   */
  public void add(Direction direction, MemorySegment memory, long offset, int byteSize)
      throws IOException {
    if (buffer.remaining() < byteSize + 64) {
      flush();
    }
    Instant now = Instant.now();
    switch (format) {
      case PCAP -> {
        buffer
            .putInt((int) now.getEpochSecond())
            .putInt(now.getNano())
            .putInt(byteSize)
            .putInt(byteSize);
        put(memory, offset, byteSize);
      }
      case PCAPNG -> {
        long nanos = now.getEpochSecond() * NANOS_PER_SECOND + now.getNano();
        int padding = -byteSize & 3;
        int blockByteSize = PACKET_BYTE_SIZE + byteSize + padding;
        buffer
            .putInt(ENHANCED_PACKET)
            .putInt(blockByteSize)
            .putInt(0) // the interface
            .putInt((int) (nanos >>> 32))
            .putInt((int) nanos)
            .putInt(byteSize)
            .putInt(byteSize);
        put(memory, offset, byteSize);
        for (int i = 0; i < padding; i++) {
          buffer.put((byte) 0);
        }
        buffer.putShort(EPB_FLAGS).putShort((short) Integer.BYTES).putInt(direction.flags);
        buffer.putInt(0).putInt(blockByteSize);
      }
    }
  }

  private void put(MemorySegment memory, long offset, int byteSize) {
    MemorySegment.copy(
        memory,
        ValueLayout.JAVA_BYTE,
        offset,
        bytes,
        ValueLayout.JAVA_BYTE,
        buffer.position(),
        byteSize);
    buffer.position(buffer.position() + byteSize);
  }

  private void flush() throws IOException {
    buffer.flip();
    while (buffer.hasRemaining()) {
      file.write(buffer);
    }
    buffer.clear();
  }

  /**
   * Stores what is missing.
   *
   * @throws IOException if the host refuses
   */
  @Override
  public void close() throws IOException {
    if (file.isOpen()) {
      try (file) {
        flush();
      }
    }
  }
}
