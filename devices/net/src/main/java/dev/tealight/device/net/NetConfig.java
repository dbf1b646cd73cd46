// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import dev.tealight.ConfigurationException;
import dev.tealight.DeviceException;
import dev.tealight.device.Device;
import dev.tealight.device.DeviceConfig;
import dev.tealight.device.FrameLink;
import dev.tealight.device.MacAddress;
import dev.tealight.device.net.internal.CapturingLink;
import dev.tealight.device.net.internal.HostIdentity;
import dev.tealight.device.net.internal.NetDevice;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A network device: where its frames go, and what the guest is told of it. Immutable; may make any
 * number of devices, if its link can be opened as often.
 *
 * <p>The address is {@link #mac(MacAddress)}'s, or one that is derived from the host, the link and
 * the device's name, so that it is the same in each run.
 */
public final class NetConfig implements DeviceConfig {

  /** The MTU of links that have none of their own: 1500 bytes. */
  public static final int DEFAULT_MTU = 1500;

  private static final int MIN_MTU = 68;
  private static final int MAX_MTU = FrameLink.MAX_FRAME_BYTE_SIZE - FrameLink.MIN_FRAME_BYTE_SIZE;

  private final FrameLink.Opener opener;
  private final @Nullable MacAddress mac;
  private final int mtu; // 0 for the link's
  private final @Nullable Path capture;

  private NetConfig(
      FrameLink.Opener opener, @Nullable MacAddress mac, int mtu, @Nullable Path capture) {
    this.opener = Objects.requireNonNull(opener, "opener");
    this.mac = mac;
    this.mtu = mtu;
    this.capture = capture;
  }

  /**
   * {@return a device over a link}
   *
   * @param opener makes the link: {@link Tap}, a {@link SwitchPort}, {@link StreamSocket}, {@link
   *     UserNetwork}, or the embedder's own
   */
  public static NetConfig of(FrameLink.Opener opener) {
    return new NetConfig(opener, null, 0, null);
  }

  /**
   * {@return the same device with an address}
   *
   * @param address of the guest
   */
  public NetConfig mac(MacAddress address) {
    return new NetConfig(opener, Objects.requireNonNull(address, "address"), mtu, capture);
  }

  /**
   * {@return the same device with another MTU than its link's}
   *
   * @param byteSize told to the guest, 68 to 65521; longer frames are passed on all the same
   * @throws ConfigurationException if it is outside
   */
  public NetConfig mtu(int byteSize) {
    if (byteSize < MIN_MTU || byteSize > MAX_MTU) {
      throw new ConfigurationException(
          "MTU of %d bytes: give from %d to %d".formatted(byteSize, MIN_MTU, MAX_MTU));
    }
    return new NetConfig(opener, mac, byteSize, capture);
  }

  /**
   * {@return the same device with its frames recorded, as its guest sends and receives them}
   *
   * @param file overwritten; in the format pcap if its name ends with {@code .pcap}, else pcapng.
   *     Complete when the device is closed
   */
  public NetConfig capture(Path file) {
    return new NetConfig(opener, mac, mtu, Objects.requireNonNull(file, "file"));
  }

  @Override
  public Device create(String name) {
    MacAddress address =
        mac != null ? mac : MacAddress.derivedFrom(HostIdentity.text(), opener.toString(), name);
    try {
      FrameLink link = opener.open(address);
      if (capture != null) {
        link = CapturingLink.over(link, capture);
      }
      return new NetDevice(name, link, address, mtu == 0 ? link.mtu() : mtu);
    } catch (IOException e) {
      throw new DeviceException("device %s: %s".formatted(name, e.getMessage()), e);
    }
  }

  @Override
  public String toString() {
    return "network device over " + opener;
  }
}
