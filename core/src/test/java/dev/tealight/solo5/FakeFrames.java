// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import dev.tealight.GuestMemory;
import dev.tealight.device.FrameTransfer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A network device that writes down what it is asked for. */
final class FakeFrames implements FrameTransfer {
  /** Requests as text, for instance {@code send 0x1000 60}. */
  final List<String> requests = new ArrayList<>();

  /** What {@link #receive} returns. */
  int received = 60;

  /** Checks addresses, if it is there. */
  @Nullable GuestMemory memory;

  @Override
  public int send(long gpa, long byteSize) {
    requests.add("send 0x%x %d".formatted(gpa, byteSize));
    if (memory != null) {
      memory.checkRead(gpa, byteSize);
    }
    return OK;
  }

  @Override
  public int receive(long gpa, long byteSize) {
    requests.add("receive 0x%x %d".formatted(gpa, byteSize));
    if (memory != null) {
      memory.checkWrite(gpa, byteSize);
    }
    return received;
  }
}
