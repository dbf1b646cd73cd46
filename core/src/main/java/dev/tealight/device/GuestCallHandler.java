// SPDX-License-Identifier: ISC
package dev.tealight.device;

/**
 * Serves one kind of request of the guest: a hypercall, a range of ports, or a range of addresses
 * outside memory.
 *
 * <p>Called by the vCPU thread while the guest stands still. A handler never blocks: what takes
 * time is waited for through {@link GuestCall#waitFor}. A {@link dev.tealight.GuestAccessException}
 * that it lets pass ends the run as the guest's fault; any other exception ends it as a failure of
 * the host.
 */
@FunctionalInterface
public interface GuestCallHandler {

  /**
   * Serves a request.
   *
   * @param call the request
   * @return what the loop does next
   */
  Outcome handle(GuestCall call);

  /**
   * Goes on after a wait. Spurious calls are possible: look again at what was waited for.
   *
   * @param call the same request
   * @return what the loop does next, possibly {@link Outcome#WAIT} again
   */
  default Outcome resume(GuestCall call) {
    return handle(call);
  }
}
