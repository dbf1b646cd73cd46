// SPDX-License-Identifier: ISC
package dev.tealight;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import org.junit.jupiter.api.Test;

/** Images as bytes, wherever they come from. */
class ImageTest {

  /** As long as a sparse file can be. */
  private static final class Endless implements SeekableByteChannel {
    @Override
    public long size() {
      return Long.MAX_VALUE;
    }

    @Override
    public int read(ByteBuffer target) {
      throw new AssertionError("nothing is read");
    }

    @Override
    public long position() {
      return 0;
    }

    @Override
    public SeekableByteChannel position(long newPosition) {
      return this;
    }

    @Override
    public int write(ByteBuffer source) {
      throw new AssertionError("nothing is written");
    }

    @Override
    public SeekableByteChannel truncate(long size) {
      throw new AssertionError("nothing is written");
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }

  @Test
  void partThatTheHeapCannotHoldIsAnErrorOfTheImage() {
    int longerThanAnyArray = Integer.MAX_VALUE - 1;
    try (Image image = Image.of("sparse.hvt", new Endless())) {
      assertThatThrownBy(() -> image.read(0, longerThanAnyArray, "segment"))
          .isInstanceOf(ImageException.class)
          .hasMessage(
              "segment of image sparse.hvt has 2147483646 bytes, for which the heap of this JVM has"
                  + " no room: start it with a larger -Xmx")
          .hasCauseInstanceOf(OutOfMemoryError.class);
    }
  }
}
