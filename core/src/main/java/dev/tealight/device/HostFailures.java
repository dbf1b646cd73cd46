// SPDX-License-Identifier: ISC
package dev.tealight.device;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Tells a {@linkplain DeviceContext#hostFailure monitor} of the failures of one device's host, but
 * not of all: a guest can repeat a request that fails as often as it likes. Told are the first, the
 * second, the fourth, the eighth and so on. Any thread.
 */
public final class HostFailures {
  private final DeviceContext context;
  private final AtomicLong count = new AtomicLong();

  /**
   * Creates one without failures, when the device is activated.
   *
   * @param context where to tell
   */
  public HostFailures(DeviceContext context) {
    this.context = context;
  }

  /**
   * Counts a failure, and tells of it if its turn has come.
   *
   * @param what the operation with its values
   * @param cause what the host reported
   */
  public void report(String what, Exception cause) {
    long number = count.incrementAndGet();
    if (Long.bitCount(number) == 1) {
      context.hostFailure(
          number == 1 ? what : "%s, failure number %d,".formatted(what, number), cause);
    }
  }
}
