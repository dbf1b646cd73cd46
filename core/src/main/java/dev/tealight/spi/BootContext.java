// SPDX-License-Identifier: ISC
package dev.tealight.spi;

import dev.tealight.ReadinessSource;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.device.GuestCallRegistry;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** The machine that a {@link BootImage} boots. */
public interface BootContext {

  /**
   * A device that the image declares and the embedder attached, active by now.
   *
   * @param declared from the image
   * @param properties what the device tells the guest about itself: 16 bytes, read-only
   * @param readiness when a guest that waits for input should look at it; empty for devices that
   *     are never waited for
   */
  record AttachedDevice(
      BootImage.DeclaredDevice declared,
      MemorySegment properties,
      List<ReadinessSource> readiness) {}

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

  /** {@return where the guest's text output goes} */
  ConsoleOutput console();
}
