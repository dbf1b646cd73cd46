// SPDX-License-Identifier: ISC
package dev.tealight.testkit;

import dev.tealight.ReadinessSource;
import dev.tealight.Waiter;
import dev.tealight.device.FrameLink;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Queue;

/** A network device's link in the hands of a test. Not thread-safe. */
public final class QueueLink implements FrameLink, ReadinessSource {
  private final List<byte[]> sent = new ArrayList<>();
  private final Queue<byte[]> arriving = new ArrayDeque<>();
  private boolean broken;
  private boolean closed;

  /** Creates one without frames. */
  public QueueLink() {}

  /**
   * Lets a frame come for the guest.
   *
   * @param frame of at least 1 byte, not copied
   */
  public void arrive(byte[] frame) {
    arriving.add(frame);
  }

  /** {@return how many frames the guest has not taken yet} */
  public int waitingCount() {
    return arriving.size();
  }

  /** {@return what the guest has sent, in order} */
  public List<byte[]> sent() {
    return Collections.unmodifiableList(sent);
  }

  /** Forgets what the guest has sent. */
  public void forgetSent() {
    sent.clear();
  }

  /**
   * Lets the host fail, or work again.
   *
   * @param fails whether sending and receiving fail from now on
   */
  public void broken(boolean fails) {
    broken = fails;
  }

  /** {@return whether it was closed} */
  public boolean isClosed() {
    return closed;
  }

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
    int length = Math.min(frame.length, byteSize);
    MemorySegment.copy(frame, 0, memory, ValueLayout.JAVA_BYTE, offset, length);
    return length;
  }

  private void check() throws IOException {
    if (broken) {
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
  public void attach(Waiter waiter) {}

  @Override
  public void close() {
    closed = true;
  }
}
