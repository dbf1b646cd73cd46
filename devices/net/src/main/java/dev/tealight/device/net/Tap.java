// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import dev.tealight.device.FrameLink;
import dev.tealight.device.MacAddress;
import dev.tealight.device.net.internal.TapLink;
import java.io.IOException;
import java.util.Objects;

/**
 * A tap interface of the host, which must exist and be up: each frame is one host call straight
 * from or to guest memory. Linux and FreeBSD.
 *
 * <p>To make one on Linux that a user may open without privileges: {@code ip tuntap add dev tap0
 * mode tap user USER && ip link set tap0 up}; one on FreeBSD: {@code ifconfig tap0 create up}.
 */
public final class Tap implements FrameLink.Opener {
  private final String description;
  private final Source source;

  private interface Source {
    FrameLink open() throws IOException;
  }

  private Tap(String description, Source source) {
    this.description = description;
    this.source = source;
  }

  /**
   * {@return the interface of that name}
   *
   * @param name 1 to 15 characters
   */
  public static Tap named(String name) {
    Objects.requireNonNull(name, "name");
    return new Tap("tap " + name, () -> TapLink.open(name));
  }

  /**
   * {@return the interface to which a descriptor is attached} It is made non-blocking.
   *
   * @param number of an open descriptor of a tap without packet information or other headers, which
   *     is refused as far as the host tells of them (some kernels of Linux tell of no packet
   *     information where there is some); stays the caller's to close, after the device
   */
  public static Tap descriptor(int number) {
    return new Tap("tap descriptor " + number, () -> TapLink.over(number));
  }

  @Override
  public FrameLink open(MacAddress guest) throws IOException {
    return source.open();
  }

  @Override
  public String toString() {
    return description;
  }
}
