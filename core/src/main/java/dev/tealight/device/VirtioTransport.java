// SPDX-License-Identifier: ISC
package dev.tealight.device;

/** How guests without hypercalls reach a device: as a PCI function with virtqueues. */
public interface VirtioTransport {

  /**
   * Presents the device as a virtio block device with sectors of 512 bytes.
   *
   * @param storage a whole number of sectors; stays the device's to close
   */
  void block(BlockBacking storage);
}
