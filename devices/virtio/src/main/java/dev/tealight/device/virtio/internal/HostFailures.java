// SPDX-License-Identifier: ISC
package dev.tealight.device.virtio.internal;

import dev.tealight.device.DeviceContext;
import java.io.IOException;

/**
 * Tells of failures of the host. A guest can repeat a request that fails as often as it likes: only
 * failures number 1, 2, 4, 8 and so on are told.
 */
final class HostFailures {
  private final DeviceContext context;
  private long count;

  HostFailures(DeviceContext context) {
    this.context = context;
  }

  void add(String what, IOException cause) {
    count++;
    if ((count & (count - 1)) == 0) {
      context.hostFailure(
          count == 1 ? what : "%s, failure number %d,".formatted(what, count), cause);
    }
  }
}
