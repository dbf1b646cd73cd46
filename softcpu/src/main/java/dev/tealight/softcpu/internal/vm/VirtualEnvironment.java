// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.vm;

import dev.tealight.Entropy;
import dev.tealight.TimeSource;
import dev.tealight.softcpu.internal.cpu.Environment;
import java.time.Instant;

/**
 * Time by instructions executed, random numbers from a seed: every run is the same.
 *
 * <p>One clock serves the processor and the monitor: each instruction takes a nanosecond, and a
 * wait of the guest moves it to the wait's deadline. The thread of the vCPU moves it; any thread
 * reads it.
 */
final class VirtualEnvironment implements Environment, TimeSource {
  private static final long WALL_CLOCK_START_NANOS =
      Instant.parse("2026-01-01T00:00:00Z").getEpochSecond() * 1_000_000_000L;

  /** Makes the stream for devices another one than the processor's. */
  private static final long DEVICES = 0x5851_F42D_4C95_7F2DL;

  private final SeededNumbers numbers;
  private final SeededNumbers deviceNumbers;

  /** Instructions executed at the last exit; written by the vCPU's thread alone. */
  private volatile long retired;

  /** What waits have taken so far; written by the vCPU's thread alone. */
  private volatile long waited;

  private volatile Thread vcpuThread = Thread.currentThread();

  VirtualEnvironment(long seed) {
    numbers = new SeededNumbers(seed);
    deviceNumbers = new SeededNumbers(seed ^ DEVICES);
  }

  // What the processor asks

  @Override
  public long timestamp(long retiredNow) {
    return TICKS_PER_NANO * (retiredNow + waited);
  }

  @Override
  public long random() {
    return numbers.next();
  }

  // What the vCPU tells

  void entered() {
    vcpuThread = Thread.currentThread();
  }

  void left(long retiredNow) {
    retired = retiredNow;
  }

  void transfer(StateFields fields, long retiredNow) {
    waited = fields.field(waited);
    numbers.state(fields.field(numbers.state()));
    deviceNumbers.state(fields.field(deviceNumbers.state()));
    retired = retiredNow;
  }

  // What the monitor asks

  @Override
  public long monotonicNanos() {
    return retired + waited;
  }

  @Override
  public long wallClockNanos() {
    return WALL_CLOCK_START_NANOS + monotonicNanos();
  }

  Entropy deviceEntropy() {
    return deviceNumbers::fill;
  }

  /** Returns whether the calling thread is the one on which time passes. */
  boolean isOwnThread() {
    return Thread.currentThread() == vcpuThread;
  }

  /** The guest waits until an instant, unless that has passed. On the vCPU's thread. */
  void waitUntil(long nanos) {
    long before = waited; // no other thread writes it
    long left = nanos - retired - before;
    if (left > 0) {
      waited = before + left;
    }
  }
}
