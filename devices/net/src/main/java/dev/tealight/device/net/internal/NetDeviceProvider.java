// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import dev.tealight.ConfigurationException;
import dev.tealight.device.DeviceConfig;
import dev.tealight.device.FrameLink;
import dev.tealight.device.MacAddress;
import dev.tealight.device.net.NetConfig;
import dev.tealight.device.net.StreamSocket;
import dev.tealight.device.net.Tap;
import dev.tealight.device.net.UserNetwork;
import dev.tealight.spi.DeviceProvider;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Network devices for programs that name them in text. */
public final class NetDeviceProvider implements DeviceProvider {
  private static final Option LINK =
      new Option(
          "net",
          "LINK",
          "attach the tap interface LINK, @FD (an open tap), unix:PATH (a program behind a stream"
              + " socket) or user (the network of this process, by passt)");
  private static final Option MAC =
      new Option("net-mac", "MAC", "MAC address told to the guest; one of its own unless given");
  private static final Option FORWARD =
      new Option(
          "net-forward",
          "PORTS",
          "with user: lead ports of this host to the guest, as tcp:HOST:GUEST or udp:HOST:GUEST,"
              + " with commas between them");
  private static final Option CAPTURE =
      new Option(
          "net-capture", "FILE", "record the frames in FILE, as pcap if it ends so, else pcapng");

  private static final String USER = "user";
  private static final String SOCKET_PREFIX = "unix:";
  private static final Pattern FORWARDED = Pattern.compile("(tcp|udp):([0-9]{1,5}):([0-9]{1,5})");

  /** Creates one, for the service loader. */
  public NetDeviceProvider() {}

  @Override
  public String type() {
    return NetDevice.TYPE;
  }

  @Override
  public List<Option> options() {
    return List.of(LINK, MAC, FORWARD, CAPTURE);
  }

  @Override
  public DeviceConfig configure(String name, Map<String, String> values) {
    String link = values.getOrDefault(LINK.name(), "");
    String ports = values.get(FORWARD.name());
    NetConfig config =
        NetConfig.of(ports == null ? opener(name, link) : forwarding(name, link, ports));
    String mac = values.get(MAC.name());
    // As with Solo5's tender, zero is no address.
    if (mac != null && !mac.matches("0{1,2}(:0{1,2}){5}")) {
      config = config.mac(MacAddress.parse(mac));
    }
    String capture = values.get(CAPTURE.name());
    return capture == null ? config : config.capture(path(name, capture));
  }

  private static FrameLink.Opener forwarding(String name, String link, String ports) {
    if (!link.equals(USER)) {
      throw new ConfigurationException(
          "device %s: ports lead only to a guest with --net:%s=%s".formatted(name, name, USER));
    }
    UserNetwork network = UserNetwork.create();
    for (String port : ports.split(",", -1)) {
      Matcher matcher = FORWARDED.matcher(port);
      if (!matcher.matches()) {
        throw new ConfigurationException(
            "device %s: '%s' leads no port to a guest: give tcp:HOST:GUEST or udp:HOST:GUEST"
                .formatted(name, port));
      }
      int host = Integer.parseInt(matcher.group(2));
      int guest = Integer.parseInt(matcher.group(3));
      network =
          matcher.group(1).equals("tcp")
              ? network.forwardTcp(host, guest)
              : network.forwardUdp(host, guest);
    }
    return network;
  }

  private static FrameLink.Opener opener(String name, String link) {
    if (link.isEmpty()) {
      throw new ConfigurationException(
          "device %s: --net:%s= needs a tap interface, @FD, unix:PATH or user"
              .formatted(name, name));
    }
    if (link.equals(USER)) {
      return UserNetwork.create();
    }
    if (link.startsWith(SOCKET_PREFIX)) {
      return StreamSocket.at(path(name, link.substring(SOCKET_PREFIX.length())));
    }
    if (link.startsWith("@")) {
      return Tap.descriptor(descriptor(name, link));
    }
    return Tap.named(link);
  }

  private static int descriptor(String name, String link) {
    try {
      return Integer.parseUnsignedInt(link.substring(1));
    } catch (NumberFormatException e) {
      throw new ConfigurationException(
          "device %s: %s is no descriptor: give @ and its number".formatted(name, link), e);
    }
  }

  private static Path path(String name, String text) {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new ConfigurationException(
          "device %s: %s is no path: %s".formatted(name, text, e.getReason()), e);
    }
  }
}
