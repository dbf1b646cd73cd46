// SPDX-License-Identifier: ISC
package dev.tealight.spi;

/**
 * Requests that a guest leaves in memory it shares with the monitor, ringing a doorbell when it has
 * left some. See {@link BootContext#doorbell}.
 */
public interface SharedWork {

  /** {@return whether the guest has left something; any thread} */
  boolean isPending();

  /**
   * Does a part of what the guest has left, in a time that does not depend on the guest. One thread
   * at a time.
   *
   * @return whether there is more of what had been left when it was called
   * @throws dev.tealight.GuestAccessException if the guest has broken the rules, which ends its run
   */
  boolean serve();

  /**
   * Tells the guest whether it has to ring. Any thread. Whoever turns it on asks {@link #isPending}
   * afterwards: the guest may have looked before.
   *
   * @param wanted false while somebody looks for work anyway
   */
  void wantDoorbell(boolean wanted);
}
