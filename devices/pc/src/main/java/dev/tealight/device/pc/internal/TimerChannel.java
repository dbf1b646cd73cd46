// SPDX-License-Identifier: ISC
package dev.tealight.device.pc.internal;

import dev.tealight.TimeSource;
import dev.tealight.Waiter;

/**
 * A counter of the 8254, computed from the clock when somebody looks. A new count starts at once
 * also in the periodic modes, where the chip would end the period first. Binary only.
 *
 * @see "Intel 8254 data sheet, mode definitions"
 */
final class TimerChannel {
  private static final long FREQUENCY_HZ = 1_193_182;
  private static final long NANOS = 1_000_000_000;
  private static final int MAX_COUNT = 0x10000;

  private static final int ACCESS_LOW = 1;
  private static final int ACCESS_HIGH = 2;
  private static final int ACCESS_BOTH = 3;

  private static final int STATUS_OUTPUT = 1 << 7;
  private static final int STATUS_NO_COUNT = 1 << 6;
  private static final int STATUS_PROGRAMMED = 0x3f;

  private static final int RATE = 2;
  private static final int SQUARE_WAVE = 3;
  private static final int STROBE = 4;

  private final TimeSource time;
  private int programmed = STROBE << 1 | ACCESS_BOTH << 4; // as in the last control word
  private int mode = STROBE;
  private int access = ACCESS_BOTH;
  private boolean gate = true;

  private boolean counting;
  private int count = MAX_COUNT;
  private long startNanos;
  private long nextTickNanos = Waiter.NO_DEADLINE;

  private boolean lowWritten;
  private int low;
  private boolean lowRead;
  private boolean latched;
  private int latch;
  private boolean statusLatched;
  private int status;

  TimerChannel(TimeSource time) {
    this.time = time;
  }

  /** Takes a control word, or the order to latch the count. */
  void control(int value) {
    int newAccess = value >>> 4 & 3;
    if (newAccess == 0) {
      latch();
      return;
    }
    access = newAccess;
    programmed = value & STATUS_PROGRAMMED;
    int newMode = value >>> 1 & 7;
    mode = newMode > 5 ? newMode - 4 : newMode; // the chip ignores one bit of modes 2 and 3
    counting = false;
    nextTickNanos = Waiter.NO_DEADLINE;
    lowWritten = false;
    lowRead = false;
    latched = false;
    statusLatched = false;
  }

  void latch() {
    if (!latched) {
      latch = current();
      latched = true;
    }
  }

  /** Keeps the status for the next read, which comes before that of a latched count. */
  void latchStatus() {
    if (!statusLatched) {
      status = programmed | (isHigh() ? STATUS_OUTPUT : 0) | (counting ? 0 : STATUS_NO_COUNT);
      statusLatched = true;
    }
  }

  /** {@return the level of the output pin} */
  private boolean isHigh() {
    if (!counting || !gate) {
      return mode != 0;
    }
    long ticks = ticksSince(startNanos);
    return switch (mode) {
      case 0 -> ticks >= firstTick();
      case RATE -> ticks % count != count - 1;
      case SQUARE_WAVE -> 2 * (ticks % count) < count;
      case STROBE -> ticks != count;
      default -> true; // started by the gate, which is open
    };
  }

  void write(int value) {
    switch (access) {
      case ACCESS_LOW -> start(value);
      case ACCESS_HIGH -> start(value << 8);
      default -> {
        if (lowWritten) {
          start(value << 8 | low);
        } else {
          low = value;
        }
        lowWritten = !lowWritten;
      }
    }
  }

  private void start(int written) {
    count = written == 0 ? MAX_COUNT : written;
    counting = true;
    restart();
  }

  private void restart() {
    startNanos = time.monotonicNanos();
    nextTickNanos = gate && counting ? startNanos + nanosOf(firstTick()) : Waiter.NO_DEADLINE;
  }

  private boolean isPeriodic() {
    return mode == RATE || mode == SQUARE_WAVE;
  }

  private int firstTick() {
    return isPeriodic() ? count : count + 1;
  }

  int read() {
    if (statusLatched) {
      statusLatched = false;
      return status;
    }
    int value = latched ? latch : current();
    boolean high = access == ACCESS_HIGH || (access == ACCESS_BOTH && lowRead);
    if (access == ACCESS_BOTH) {
      lowRead = !lowRead;
    }
    if (access != ACCESS_BOTH || high) {
      latched = false;
    }
    return (high ? value >>> 8 : value) & 0xff;
  }

  private int current() {
    if (!counting || !gate) {
      return count;
    }
    long ticks = ticksSince(startNanos);
    return (int)
            switch (mode) {
              case RATE -> count - ticks % count;
              case SQUARE_WAVE -> count - (2 * ticks) % count;
              default -> count - ticks;
            }
        & 0xffff;
  }

  /** {@return the level of the output, as a one-shot shows it: low until the count is over} */
  boolean output() {
    return counting && gate && ticksSince(startNanos) >= firstTick();
  }

  /** A gate that opens lets counting begin anew. */
  void setGate(boolean open) {
    boolean opened = open && !gate;
    gate = open;
    if (opened || !open) {
      restart();
    }
  }

  boolean takeTick() {
    if (nextTickNanos == Waiter.NO_DEADLINE) {
      return false;
    }
    long now = time.monotonicNanos();
    if (now < nextTickNanos) {
      return false;
    }
    nextTickNanos =
        isPeriodic()
            ? startNanos + nanosOf((ticksSince(startNanos) / count + 1) * count)
            : Waiter.NO_DEADLINE;
    return true;
  }

  long nextTickNanos() {
    return nextTickNanos;
  }

  private long ticksSince(long start) {
    long nanos = time.monotonicNanos() - start;
    return nanos / NANOS * FREQUENCY_HZ + nanos % NANOS * FREQUENCY_HZ / NANOS;
  }

  /** Rounded up: at that instant, so many ticks have passed. */
  private static long nanosOf(long ticks) {
    return ticks / FREQUENCY_HZ * NANOS
        + (ticks % FREQUENCY_HZ * NANOS + FREQUENCY_HZ - 1) / FREQUENCY_HZ;
  }
}
