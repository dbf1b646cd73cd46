// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import dev.tealight.device.FrameLink;
import dev.tealight.device.MacAddress;
import dev.tealight.device.net.internal.StreamLink;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;

/**
 * A program that takes and gives frames over a Unix stream socket, each with its length in front as
 * 4 bytes, big-endian: {@code passt}, {@code gvproxy}, QEMU's {@code -netdev stream}. Linux only.
 */
public final class StreamSocket implements FrameLink.Opener {
  private final Path path;

  private StreamSocket(Path path) {
    this.path = path;
  }

  /**
   * {@return the program that listens at a path}
   *
   * @param path of its socket, at most 107 bytes
   */
  public static StreamSocket at(Path path) {
    return new StreamSocket(Objects.requireNonNull(path, "path"));
  }

  @Override
  public FrameLink open(MacAddress guest) throws IOException {
    return StreamLink.connect(path);
  }

  @Override
  public String toString() {
    return "socket " + path;
  }
}
