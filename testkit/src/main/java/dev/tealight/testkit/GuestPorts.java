// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.GuestMemory;
import dev.tealight.ReadinessSource;
import dev.tealight.RunResult;
import dev.tealight.TimeSource;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.Outcome;
import java.util.List;

/**
 * Ports as a guest uses them, in the hands of a test: a handler serves each access before the
 * method that makes it returns; its waits end at once. One thread at a time.
 *
 * <p>What the handler throws comes out of that method.
 */
public final class GuestPorts {
  private final GuestMemory memory;
  private final GuestCallHandler handler;
  private final Call call = new Call();
  private int waitCount;

  /**
   * Creates ports.
   *
   * @param memory of the guest
   * @param handler serves all of them
   */
  public GuestPorts(GuestMemory memory, GuestCallHandler handler) {
    this.memory = memory;
    this.handler = handler;
  }

  /**
   * Writes to a port.
   *
   * @param port 0 to 0xffff
   * @param width 1, 2 or 4 bytes
   * @param value its low bytes count
   * @throws AssertionError if the handler ends the run
   */
  public void write(int port, int width, long value) {
    call.exit.access(ExitKind.IO_WRITE, port, width, value & ones(width));
    serve();
  }

  /**
   * Reads from a port.
   *
   * @param port 0 to 0xffff
   * @param width 1, 2 or 4 bytes
   * @return the value, unsigned; all ones if the handler leaves the read unanswered
   * @throws AssertionError if the handler ends the run
   */
  public long read(int port, int width) {
    call.exit.access(ExitKind.IO_READ, port, width, ones(width));
    serve();
    return call.exit.value() & ones(width);
  }

  private static long ones(int width) {
    return -1L >>> (64 - 8 * width);
  }

  private void serve() {
    Outcome outcome = handler.handle(call);
    while (outcome == Outcome.WAIT) {
      waitCount++;
      outcome = handler.resume(call);
    }
  }

  /** {@return how often the handler had to wait} */
  public int waitCount() {
    return waitCount;
  }

  /** The access under way. */
  private final class Call implements GuestCall {
    final ExitFrame exit = new ExitFrame();

    @Override
    public GuestMemory memory() {
      return memory;
    }

    @Override
    public TimeSource time() {
      return TimeSource.system();
    }

    @Override
    public ExitFrame exit() {
      return exit;
    }

    @Override
    public long argument() {
      return 0;
    }

    @Override
    public Outcome waitFor(long deadlineNanos, List<ReadinessSource> sources) {
      return Outcome.WAIT;
    }

    @Override
    public Outcome end(RunResult result) {
      throw new AssertionError("the handler ended the run: " + result);
    }

    @Override
    public Outcome fault(String reason) {
      throw new AssertionError("the handler ended the run: " + reason);
    }
  }
}
