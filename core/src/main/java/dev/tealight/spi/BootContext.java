// SPDX-License-Identifier: ISC
package dev.tealight.spi;

import dev.tealight.ReadinessSource;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.device.FrameTransfer;
import dev.tealight.device.GuestCallRegistry;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/** The machine that a {@link BootImage} boots. */
public interface BootContext {

  /**
   * A device that the image declares and the embedder attached, active by now.
   *
   * @param declared from the image
   * @param properties what the device tells the guest about itself: 16 bytes, read-only
   * @param readiness when a guest that waits for input should look at it; empty for devices that
   *     are never waited for
   * @param frames how the frames of a network device are moved without hypercalls; empty for other
   *     devices
   */
  record AttachedDevice(
      BootImage.DeclaredDevice declared,
      MemorySegment properties,
      List<ReadinessSource> readiness,
      Optional<FrameTransfer> frames) {}

  /** {@return the VM, its memory zero-filled} */
  Vm vm();

  /** {@return the boot vCPU, in reset state} */
  Vcpu vcpu();

  /** {@return the words for the guest's command line} */
  List<String> arguments();

  /** {@return the devices, in the image's order} */
  List<AttachedDevice> devices();

  /** {@return where the format's own calls are registered} */
  GuestCallRegistry registry();

  /**
   * Has work done that the guest leaves in shared memory. It rings by writing 4 bytes to a port,
   * which need not end its run: where the VM has {@link Doorbells} and there is much to do, a
   * thread does it while the guest runs on. Whatever the guest has left is done before the guest is
   * told to be paused or to have ended.
   *
   * @param port 0 to 0xffff
   * @param owner for messages: whose port it is
   * @param work of the guest
   * @throws dev.tealight.ConfigurationException if the port is taken; names both owners
   */
  void doorbell(int port, String owner, SharedWork work);

  /** {@return where the guest's text output goes} */
  ConsoleOutput console();
}
