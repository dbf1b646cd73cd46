// SPDX-License-Identifier: ISC
package dev.tealight.spi;

import dev.tealight.Waiter;
import java.util.Optional;

/**
 * Makes waiters that sleep until a descriptor can be read. Found by {@link
 * java.util.ServiceLoader}, for backends that make no native calls of their own.
 */
public interface WaiterProvider {

  /**
   * {@return a waiter that the caller closes, or empty if this host or this JVM does not permit it}
   *
   * @throws dev.tealight.HostCallException if the host refuses
   */
  Optional<Waiter> create();
}
