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

  /**
   * Presents the device as a virtio network device.
   *
   * @param link where its frames go; stays the device's to close
   * @param mac told to the guest
   * @param mtu told to the guest, 68 to 65521
   */
  void network(FrameLink link, MacAddress mac, int mtu);
}
