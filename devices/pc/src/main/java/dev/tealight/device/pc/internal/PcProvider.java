// SPDX-License-Identifier: ISC
package dev.tealight.device.pc.internal;

import dev.tealight.TimeSource;
import dev.tealight.device.GuestCallRegistry;
import dev.tealight.spi.ConsoleOutput;
import dev.tealight.spi.HostedChips;
import dev.tealight.spi.Platform;
import dev.tealight.spi.PlatformProvider;
import java.util.Optional;

/** The platform {@code pc}. */
public final class PcProvider implements PlatformProvider {

  /** Creates one, for the service loader. */
  public PcProvider() {}

  @Override
  public String name() {
    return "pc";
  }

  @Override
  public Platform create(
      GuestCallRegistry registry,
      TimeSource time,
      ConsoleOutput console,
      Optional<HostedChips> chips) {
    return new Pc(registry, time, console, chips);
  }
}
