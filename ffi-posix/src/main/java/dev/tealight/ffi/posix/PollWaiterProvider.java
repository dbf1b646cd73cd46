// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import dev.tealight.Waiter;
import dev.tealight.spi.WaiterProvider;
import java.util.Optional;

/** Offers {@link PollWaiter} to those who do not know this module. */
public final class PollWaiterProvider implements WaiterProvider {

  /** Creates one, for the service loader. */
  public PollWaiterProvider() {}

  @Override
  public Optional<Waiter> create() {
    HostCalls host;
    try {
      host = HostCalls.system();
    } catch (UnsupportedOperationException | IllegalCallerException e) {
      return Optional.empty();
    }
    return Optional.of(new PollWaiter(host));
  }
}
