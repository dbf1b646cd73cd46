// SPDX-License-Identifier: ISC
package dev.tealight.device;

/**
 * A device that a guest declares in its manifest and an embedder attaches by name. One device
 * serves one monitor.
 *
 * <p>Whoever creates it closes it: the monitor closes devices made from a {@link DeviceConfig}, the
 * embedder those that it made itself, after the monitor.
 */
public interface Device extends AutoCloseable {

  /** {@return the manifest's word for this kind of device, for instance {@code BLOCK_BASIC}} */
  String type();

  /**
   * Connects it to a guest that is about to start. The first moment at which it sees guest memory.
   * Called once.
   *
   * @param context what it may use until it is closed, guest memory excepted: that is gone by then
   * @throws IllegalStateException if it was activated before
   */
  void activate(DeviceContext context);

  /** Frees what it holds; harmless if repeated. Called when the guest does not run any more. */
  @Override
  void close();
}
