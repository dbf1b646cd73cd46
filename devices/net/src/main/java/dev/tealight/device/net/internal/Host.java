// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import dev.tealight.HostCallException;
import dev.tealight.ffi.posix.HostCalls;
import java.io.IOException;

/** The host's system calls, and what to say when there are none. */
final class Host {
  private Host() {}

  /**
   * {@return the calls of this host}
   *
   * @param what needs them, for the message
   * @throws IOException if they are not known or not permitted
   */
  static HostCalls calls(String what) throws IOException {
    try {
      return HostCalls.system();
    } catch (UnsupportedOperationException | IllegalCallerException e) {
      throw new IOException("%s cannot be used: %s".formatted(what, e.getMessage()), e);
    }
  }

  /**
   * {@return the failure of a host call in the words of those who use links}
   *
   * @param e the failure
   */
  static IOException failure(HostCallException e) {
    return new IOException(e.getMessage(), e);
  }
}
