// SPDX-License-Identifier: ISC
package dev.tealight.device.pc.internal;

import dev.tealight.TimeSource;
import dev.tealight.device.GuestCallRegistry;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.concurrent.TimeUnit;

/**
 * The MC146818: date and time, UTC, as binary-coded decimals on a 24-hour clock. It cannot be set
 * and never interrupts.
 */
final class RealTimeClock extends BytePorts {
  private static final int INDEX_PORT = 0x70;
  private static final int STATUS_A = 0x0a;
  private static final int STATUS_A_DIVIDER = 0x26; // running, no update in progress
  private static final int STATUS_B_24_HOURS = 0x02;
  private static final int STATUS_D_VALID = 0x80;

  /**
   * How long what was read stays together: a guest that sees no update in progress may read all
   * fields before the next one.
   */
  private static final long SNAPSHOT_NANOS = 244_000;

  private final TimeSource time;
  private int index;
  private long snapshotNanos;
  private long second = Long.MIN_VALUE;
  private LocalDateTime now = LocalDateTime.MIN;

  RealTimeClock(TimeSource time) {
    this.time = time;
  }

  void register(GuestCallRegistry registry) {
    registry.ports(INDEX_PORT, 2, "real-time clock", this);
  }

  @Override
  int read(int port) {
    if (port == INDEX_PORT) {
      return 0xff;
    }
    refresh(index == STATUS_A);
    return switch (index) {
      case 0 -> decimal(now.getSecond());
      case 2 -> decimal(now.getMinute());
      case 4 -> decimal(now.getHour());
      case 6 -> now.getDayOfWeek().getValue() % 7 + 1;
      case 7 -> decimal(now.getDayOfMonth());
      case 8 -> decimal(now.getMonthValue());
      case 9 -> decimal(now.getYear() % 100);
      case STATUS_A -> STATUS_A_DIVIDER;
      case 0x0b -> STATUS_B_24_HOURS;
      case 0x0d -> STATUS_D_VALID;
      case 0x32 -> decimal(now.getYear() / 100);
      default -> 0;
    };
  }

  private void refresh(boolean always) {
    long nanos = time.monotonicNanos();
    if (always || nanos - snapshotNanos > SNAPSHOT_NANOS || second == Long.MIN_VALUE) {
      snapshotNanos = nanos;
      long seconds = TimeUnit.NANOSECONDS.toSeconds(time.wallClockNanos());
      if (seconds != second) {
        second = seconds;
        now = LocalDateTime.ofEpochSecond(seconds, 0, ZoneOffset.UTC);
      }
    }
  }

  private static int decimal(int value) {
    return ((value / 10) << 4) | (value % 10);
  }

  @Override
  void write(int port, int value) {
    if (port == INDEX_PORT) {
      index = value & 0x7f; // the top bit masked an interrupt that is not there
    }
  }
}
