// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import dev.tealight.device.FrameLink;
import dev.tealight.device.net.internal.FairQueue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;

/**
 * A Java program on a {@link VirtualSwitch}: sends and receives frames. One thread sends and one
 * receives at a time.
 */
public final class SwitchEndpoint implements AutoCloseable {
  private final FrameLink link;
  private final FairQueue queue;
  private final byte[] buffer = new byte[FrameLink.MAX_FRAME_BYTE_SIZE];
  private final MemorySegment segment = MemorySegment.ofArray(buffer);

  SwitchEndpoint(FrameLink link, FairQueue queue) {
    this.link = link;
    this.queue = queue;
  }

  /**
   * Sends a frame.
   *
   * @param frame 14 to 65535 bytes, from the destination address on; not kept
   * @throws IllegalArgumentException if it is shorter or longer
   * @throws UncheckedIOException if the switch or this endpoint is closed
   */
  public void send(byte[] frame) {
    if (frame.length < FrameLink.MIN_FRAME_BYTE_SIZE
        || frame.length > FrameLink.MAX_FRAME_BYTE_SIZE) {
      throw new IllegalArgumentException(
          "frame of %d bytes: give from %d to %d"
              .formatted(
                  frame.length, FrameLink.MIN_FRAME_BYTE_SIZE, FrameLink.MAX_FRAME_BYTE_SIZE));
    }
    try {
      link.send(MemorySegment.ofArray(frame), 0, frame.length);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Waits for the next frame.
   *
   * @param patience how long; 0 to look only
   * @return the frame, or empty if none came in time or the endpoint is closed
   * @throws InterruptedException if the thread is interrupted
   */
  public Optional<byte[]> receive(Duration patience) throws InterruptedException {
    int length = queue.await(patience.toNanos()) ? queue.poll(segment, 0, buffer.length) : 0;
    return length == 0 ? Optional.empty() : Optional.of(Arrays.copyOf(buffer, length));
  }

  /** Unplugs it; a waiting {@link #receive} ends. Harmless if repeated. */
  @Override
  public void close() {
    try {
      link.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
