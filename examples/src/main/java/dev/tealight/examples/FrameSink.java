// SPDX-License-Identifier: ISC

package dev.tealight.examples;

// snippet: frame-sink
import dev.tealight.ReadinessSource;
import dev.tealight.device.FrameLink;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.Consumer;

/**
 * A network of its own for one guest: hands on what the guest sends, never answers.
 *
 * @param consumer gets each frame, on the guest's thread
 */
public record FrameSink(Consumer<byte[]> consumer) implements FrameLink {
  @Override
  public int mtu() {
    return 1500;
  }

  @Override
  public void send(MemorySegment memory, long offset, int byteSize) {
    consumer.accept(memory.asSlice(offset, byteSize).toArray(ValueLayout.JAVA_BYTE));
  }

  @Override
  public int receive(MemorySegment memory, long offset, int byteSize) {
    return 0; // no frame; otherwise copy one and return its length
  }

  @Override
  public ReadinessSource readiness() {
    return () -> false; // where frames do come, wake the waiter that was attached
  }

  @Override
  public void close() {}
}
// end
