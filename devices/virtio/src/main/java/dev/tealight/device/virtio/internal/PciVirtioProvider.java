// SPDX-License-Identifier: ISC
package dev.tealight.device.virtio.internal;

import dev.tealight.device.BlockBacking;
import dev.tealight.device.DeviceContext;
import dev.tealight.device.FrameLink;
import dev.tealight.device.MacAddress;
import dev.tealight.device.PciBus;
import dev.tealight.device.VirtioTransport;
import dev.tealight.spi.VirtioProvider;

/** Virtio devices on a PCI bus. */
public final class PciVirtioProvider implements VirtioProvider {

  /** Creates one, for the service loader. */
  public PciVirtioProvider() {}

  @Override
  public VirtioTransport create(DeviceContext context, PciBus bus) {
    return new PciTransport(context, bus);
  }

  private record PciTransport(DeviceContext context, PciBus bus) implements VirtioTransport {

    @Override
    public void block(BlockBacking storage) {
      new VirtioBlock(context, storage).attach(context.name(), bus);
    }

    @Override
    public void network(FrameLink link, MacAddress mac, int mtu) {
      new VirtioNet(context, link, mac, mtu).attach(context.name(), bus);
      context.pollable(link.readiness());
    }
  }
}
