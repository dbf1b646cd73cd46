// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import dev.tealight.ReadinessSource;
import dev.tealight.device.FrameLink;
import dev.tealight.device.net.internal.CaptureFile.Direction;
import dev.tealight.device.net.internal.CaptureFile.Format;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A link with its frames recorded. A full disk ends the recording, not the link. */
public final class CapturingLink implements FrameLink {
  private final FrameLink link;
  private final CaptureFile capture;
  private final Path path;
  private @Nullable IOException failure;

  private CapturingLink(FrameLink link, CaptureFile capture, Path path) {
    this.link = link;
    this.capture = capture;
    this.path = path;
  }

  /**
   * Records a link's frames.
   *
   * @param link closed with the recording, and if there can be none
   * @param path of the file, overwritten
   * @return the link to be used instead
   * @throws IOException if the file cannot be made
   */
  public static FrameLink over(FrameLink link, Path path) throws IOException {
    try {
      Format format = path.toString().endsWith(".pcap") ? Format.PCAP : Format.PCAPNG;
      return new CapturingLink(link, CaptureFile.create(path, format), path);
    } catch (IOException e) {
      try (link) {
        throw new IOException("frames cannot be recorded in %s: %s".formatted(path, e), e);
      }
    }
  }

  @Override
  public int mtu() {
    return link.mtu();
  }

  @Override
  public void send(MemorySegment memory, long offset, int byteSize) throws IOException {
    record(Direction.SENT, memory, offset, byteSize);
    link.send(memory, offset, byteSize);
  }

  @Override
  public int receive(MemorySegment memory, long offset, int byteSize) throws IOException {
    int length = link.receive(memory, offset, byteSize);
    if (length > 0) {
      record(Direction.RECEIVED, memory, offset, length);
    }
    return length;
  }

  private void record(Direction direction, MemorySegment memory, long offset, int byteSize) {
    if (failure == null) {
      try {
        capture.add(direction, memory, offset, byteSize);
      } catch (IOException e) {
        failure = new IOException("recording in %s ended: %s".formatted(path, e.getMessage()), e);
      }
    }
  }

  @Override
  public ReadinessSource readiness() {
    return link.readiness();
  }

  @Override
  public void close() throws IOException {
    try (link) {
      capture.close();
    }
    IOException earlier = failure;
    if (earlier != null) {
      failure = null;
      throw earlier;
    }
  }
}
