// SPDX-License-Identifier: ISC
package dev.tealight.device;

import dev.tealight.ReadinessSource;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * Where a network device sends its guest's Ethernet frames and gets those for its guest: a tap of
 * the host, a port of a switch, a socket, a program. Shared by all kinds of network devices.
 *
 * <p>A frame starts with its Ethernet header and has no checksum at its end. No method blocks. One
 * thread at a time, unless an implementation says otherwise; {@link #readiness} wakes from any.
 */
public interface FrameLink extends AutoCloseable {

  /** Bytes of the shortest frame: an Ethernet header and nothing else. */
  int MIN_FRAME_BYTE_SIZE = 14;

  /** Bytes of the longest frame that is passed on. */
  int MAX_FRAME_BYTE_SIZE = 65535;

  /** Makes links. Its text tells what they lead to, for messages. */
  @FunctionalInterface
  interface Opener {

    /**
     * Makes a link.
     *
     * @param guest the address of the guest at this end, for links that sort frames by it
     * @return a link that the caller closes
     * @throws IOException if the host refuses; says what to do
     */
    FrameLink open(MacAddress guest) throws IOException;
  }

  /** {@return how many bytes may follow the Ethernet header of a frame: 68 to 65521} */
  int mtu();

  /**
   * Sends a frame. As on any network it may be lost later, or at once if there is no room for it.
   *
   * @param memory that holds the frame; the guest may change it meanwhile
   * @param offset of the frame's first byte
   * @param byteSize of the frame, {@link #MIN_FRAME_BYTE_SIZE} to {@link #MAX_FRAME_BYTE_SIZE}
   * @throws IOException if the link does not work, now or for good; the frame is lost
   */
  void send(MemorySegment memory, long offset, int byteSize) throws IOException;

  /**
   * Takes the next frame. Of one that is longer than the buffer the rest is lost.
   *
   * @param memory that holds the buffer
   * @param offset of the buffer's first byte
   * @param byteSize of the buffer, 1 to {@link #MAX_FRAME_BYTE_SIZE}
   * @return how many bytes of the buffer were filled, or 0 if there is no frame now
   * @throws IOException if the link does not work, now or for good
   */
  int receive(MemorySegment memory, long offset, int byteSize) throws IOException;

  /** {@return ready exactly when {@link #receive} would give a frame; always the same object} */
  ReadinessSource readiness();

  /**
   * Frees what it holds; harmless if repeated.
   *
   * @throws IOException if something that was held back could not be stored
   */
  @Override
  void close() throws IOException;
}
