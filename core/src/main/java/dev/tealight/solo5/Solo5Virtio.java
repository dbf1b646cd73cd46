// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import dev.tealight.ExitKind;
import dev.tealight.Image;
import dev.tealight.ImageException;
import dev.tealight.RunResult;
import dev.tealight.device.GuestCall;
import dev.tealight.device.Outcome;
import dev.tealight.multiboot.Multiboot;
import dev.tealight.multiboot.MultibootImage;
import dev.tealight.spi.BootContext;
import dev.tealight.spi.BootImage;
import dev.tealight.spi.BootProtocol;
import dev.tealight.spi.GuestArchitecture;
import dev.tealight.spi.HypercallConvention;
import java.util.List;
import java.util.Optional;

/**
 * Solo5's virtio guests, ABI version 1: multiboot kernels with a manifest, which find their devices
 * on the PCI bus in the manifest's order.
 */
public final class Solo5Virtio {

  /** The ABI note's number for the virtio target. */
  static final int TARGET = 3;

  private static final int VERSION = 1;
  private static final int EXIT_PORT = 0x501;
  private static final int EXIT_PORT_COUNT = 2;

  /** Reads and boots virtio images. */
  public static final BootProtocol PROTOCOL =
      new BootProtocol() {
        @Override
        public String name() {
          return "solo5-virtio";
        }

        @Override
        public BootImage open(Image image) {
          HvtImage.Abi abi = HvtImage.abiOf(image);
          if (abi.target() != TARGET || abi.version() != VERSION) {
            throw new ImageException(
                "image %s is for Solo5's target %s, version %s, expected virtio, version %d"
                    .formatted(
                        image.name(),
                        abi.targetName(),
                        Integer.toUnsignedString(abi.version()),
                        VERSION));
          }
          return new Booted(HvtImage.devicesOf(HvtImage.manifestOf(image)), Multiboot.read(image));
        }
      };

  private Solo5Virtio() {}

  /** A kernel whose devices are those of its manifest. */
  private record Booted(List<DeclaredDevice> devices, MultibootImage kernel) implements BootImage {

    @Override
    public GuestArchitecture architecture() {
      return kernel.architecture();
    }

    @Override
    public long memoryByteSize(long requestedByteSize) {
      return kernel.memoryByteSize(requestedByteSize);
    }

    @Override
    public HypercallConvention hypercalls() {
      return kernel.hypercalls();
    }

    @Override
    public Optional<String> platform() {
      return kernel.platform();
    }

    @Override
    public void boot(BootContext context) {
      kernel.boot(context);
      context.registry().ports(EXIT_PORT, EXIT_PORT_COUNT, "Solo5's exit port", Booted::exit);
    }

    /** What is written is always the same, whether the guest succeeded, failed or aborted. */
    private static Outcome exit(GuestCall call) {
      return call.exit().kind() == ExitKind.IO_WRITE
          ? call.end(new RunResult.Halted(0))
          : Outcome.CONTINUE;
    }
  }
}
