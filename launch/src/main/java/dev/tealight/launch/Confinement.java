// SPDX-License-Identifier: ISC
package dev.tealight.launch;

import dev.tealight.HostCallException;
import dev.tealight.ffi.posix.HostCalls;
import dev.tealight.ffi.posix.SyscallFilter;
import org.jspecify.annotations.Nullable;

/** Gives up the system calls that are not needed any more. Only where {@code ffi-posix} is. */
final class Confinement {
  private Confinement() {}

  /**
   * Confines this process.
   *
   * @param wanted if not, all is prepared and nothing given up: this is for runs which record the
   *     classes that a start needs, since the filter would keep the record from being written
   * @return why it could not be, or null: a kernel without seccomp, or a sandbox that forbids it
   */
  static @Nullable String apply(boolean wanted) {
    SyscallFilter filter = new SyscallFilter(HostCalls.system());
    if (wanted) {
      try {
        filter.install();
      } catch (HostCallException e) {
        return e.getMessage();
      }
    }
    return null;
  }
}
