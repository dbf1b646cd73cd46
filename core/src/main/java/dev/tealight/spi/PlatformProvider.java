// SPDX-License-Identifier: ISC
package dev.tealight.spi;

import dev.tealight.TimeSource;
import dev.tealight.device.GuestCallRegistry;
import java.util.Optional;

/**
 * Makes the platforms of a module. Found by {@link java.util.ServiceLoader} when an image asks for
 * one; see {@link BootImage#platform}.
 */
public interface PlatformProvider {

  /** {@return the name by which images ask for it, for instance {@code pc}} */
  String name();

  /**
   * Makes a platform for one machine.
   *
   * @param registry where it registers its ports
   * @param time the machine's clocks
   * @param console where text goes that the guest writes to the platform's serial port
   * @param chips those that the hypervisor has, which the platform then leaves to it
   * @return the platform; it holds nothing that wants closing
   */
  Platform create(
      GuestCallRegistry registry,
      TimeSource time,
      ConsoleOutput console,
      Optional<HostedChips> chips);
}
