// SPDX-License-Identifier: ISC

package dev.tealight.examples;

// snippet: own-link
import dev.tealight.ReadinessSource;
import dev.tealight.device.FrameLink;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.Queue;
import java.util.function.Function;

/** A network for one guest: a function gets what the guest sends, on its thread, and may answer. */
record AnsweringLink(
    Function<byte[], Optional<byte[]>> function, Queue<byte[]> answers, ReadinessSource readiness)
    implements FrameLink {

  AnsweringLink(Function<byte[], Optional<byte[]>> function, Queue<byte[]> answers) {
    this(function, answers, () -> !answers.isEmpty()); // other threads would also wake a waiter
  }

  @Override
  public int mtu() {
    return 1500;
  }

  @Override
  public void send(MemorySegment memory, long offset, int byteSize) {
    byte[] frame = memory.asSlice(offset, byteSize).toArray(ValueLayout.JAVA_BYTE);
    function.apply(frame).ifPresent(answers::offer);
  }

  @Override
  public int receive(MemorySegment memory, long offset, int byteSize) {
    byte[] frame = answers.isEmpty() ? new byte[0] : answers.remove();
    int length = Math.min(frame.length, byteSize);
    MemorySegment.copy(frame, 0, memory, ValueLayout.JAVA_BYTE, offset, length);
    return length; // 0 if there is no frame
  }

  @Override
  public void close() {}
}
// end
