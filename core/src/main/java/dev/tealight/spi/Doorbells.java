// SPDX-License-Identifier: ISC
package dev.tealight.spi;

/** Guest writes that wake the host without an exit of the vCPU. */
public non-sealed interface Doorbells extends VmAbility {

  /** A doorbell, closed by whoever asked for it. */
  interface Doorbell extends AutoCloseable {
    /** {@return a descriptor that polls readable once the doorbell was rung} */
    int descriptor();

    /** Forgets the rings so far. */
    void acknowledge();

    @Override
    void close();
  }

  /**
   * Makes 4-byte writes to a port ring a doorbell.
   *
   * @param port 0 to 0xffff
   * @return a doorbell that the caller closes
   * @throws dev.tealight.HostCallException if the host refuses
   */
  Doorbell onPort(int port);
}
