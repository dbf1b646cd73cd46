// SPDX-License-Identifier: ISC
package dev.tealight.device.virtio.internal;

import dev.tealight.ReadinessSource;
import dev.tealight.device.FrameLink;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;

/** A link in the hands of a test. */
final class Cable implements FrameLink, ReadinessSource {
  final List<byte[]> sent = new ArrayList<>();
  final Queue<byte[]> arriving = new ArrayDeque<>();
  boolean cut;

  @Override
  public int mtu() {
    return 1500;
  }

  @Override
  public void send(MemorySegment memory, long offset, int byteSize) throws IOException {
    check();
    sent.add(memory.asSlice(offset, byteSize).toArray(ValueLayout.JAVA_BYTE));
  }

  @Override
  public int receive(MemorySegment memory, long offset, int byteSize) throws IOException {
    check();
    byte[] frame = arriving.poll();
    if (frame == null) {
      return 0;
    }
    MemorySegment.copy(frame, 0, memory, ValueLayout.JAVA_BYTE, offset, frame.length);
    return frame.length;
  }

  private void check() throws IOException {
    if (cut) {
      throw new IOException("cable cut");
    }
  }

  @Override
  public ReadinessSource readiness() {
    return this;
  }

  @Override
  public boolean isReady() {
    return !arriving.isEmpty();
  }

  @Override
  public void close() {}
}
