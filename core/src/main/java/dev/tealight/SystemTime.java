// SPDX-License-Identifier: ISC
package dev.tealight;

import java.time.Instant;
import java.util.concurrent.TimeUnit;

/**
 * The host's clocks. The wall clock is read as the monotonic clock plus an offset, since the JDK's
 * own nanosecond wall clock allocates; the offset is taken anew when the millisecond clock
 * disagrees.
 */
final class SystemTime implements TimeSource {
  private static final long TOLERANCE_MILLIS = 1;

  /** The clocks also disagree when the thread lost its processor between reading them. */
  private static final int ATTEMPTS = 4;

  private volatile long offsetNanos;

  @Override
  public long monotonicNanos() {
    return System.nanoTime();
  }

  @Override
  public long wallClockNanos() {
    for (int i = 0; i < ATTEMPTS; i++) {
      long nanos = System.nanoTime() + offsetNanos;
      long disagreement = TimeUnit.NANOSECONDS.toMillis(nanos) - System.currentTimeMillis();
      if (Math.abs(disagreement) <= TOLERANCE_MILLIS) {
        return nanos;
      }
    }
    return readAnew();
  }

  private long readAnew() {
    Instant now = Instant.now();
    long nanos = TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano();
    offsetNanos = nanos - System.nanoTime();
    return nanos;
  }
}
