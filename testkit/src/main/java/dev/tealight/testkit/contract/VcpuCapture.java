// SPDX-License-Identifier: ISC

package dev.tealight.testkit.contract;

import dev.tealight.Image;
import dev.tealight.Vcpu;
import dev.tealight.spi.BootContext;
import dev.tealight.spi.BootImage;
import dev.tealight.spi.BootProtocol;
import dev.tealight.spi.GuestArchitecture;
import dev.tealight.spi.HypercallConvention;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/** An image format that remembers on which vCPU it started its guest. */
final class VcpuCapture implements BootProtocol {
  private final BootProtocol format;
  private final AtomicReference<Vcpu> started = new AtomicReference<>();

  VcpuCapture(BootProtocol format) {
    this.format = format;
  }

  /** {@return the vCPU of the guest that was started last} */
  Vcpu vcpu() {
    return started.get();
  }

  @Override
  public String name() {
    return format.name();
  }

  @Override
  public BootImage open(Image image) {
    BootImage opened = format.open(image);
    return new BootImage() {
      @Override
      public GuestArchitecture architecture() {
        return opened.architecture();
      }

      @Override
      public List<DeclaredDevice> devices() {
        return opened.devices();
      }

      @Override
      public long memoryByteSize(long requestedByteSize) {
        return opened.memoryByteSize(requestedByteSize);
      }

      @Override
      public HypercallConvention hypercalls() {
        return opened.hypercalls();
      }

      @Override
      public void boot(BootContext context) {
        opened.boot(context);
        started.set(context.vcpu());
      }
    };
  }
}
