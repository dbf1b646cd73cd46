// SPDX-License-Identifier: ISC
package dev.tealight.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.tealight.ExitKind;
import dev.tealight.internal.run.RunLoop;
import dev.tealight.internal.run.RunLoop.Step;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Hypercalls: port, width and argument, then what memory holds at the block and behind it. */
class HypercallFuzzTest {
  private static final int HEADER_BYTE_SIZE = 7;
  private static final int BLOCK = 0x180000;
  private static final int MAX_STEPS = 100;

  @FuzzTest(maxDuration = "10m")
  void anyHypercallIsServedOrEndsAsAResult(byte[] call) {
    if (call.length < HEADER_BYTE_SIZE) {
      return;
    }
    ByteBuffer header = ByteBuffer.wrap(call).order(ByteOrder.LITTLE_ENDIAN);
    int port = header.getShort() & 0xffff;
    int width = 1 << (header.get() & 3);
    long argument = Integer.toUnsignedLong(header.getInt());

    Machine machine = new Machine();
    machine.bootHello();
    MemorySegment.copy(
        call,
        HEADER_BYTE_SIZE,
        machine.vm().memory().unrestricted(),
        ValueLayout.JAVA_BYTE,
        BLOCK,
        Math.min(call.length - HEADER_BYTE_SIZE, 0x1000));
    boolean[] left = {true};
    RunLoop loop =
        machine.loop(
            exit -> {
              boolean first = left[0];
              left[0] = false;
              return first
                  ? exit.access(ExitKind.IO_WRITE, port, width, argument)
                  : exit.event(ExitKind.INTERRUPTED, 0, 0);
            });
    Step step = loop.step();
    for (int i = 0; i < MAX_STEPS && step == Step.WAITING; i++) {
      loop.awaitWakeUp();
      step = loop.step();
    }
    if (step == Step.ENDED) {
      loop.result();
    } else if (step == Step.WAITING) {
      throw new AssertionError("the call does not come to an end");
    }
  }
}
