// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import dev.tealight.ConfigurationException;
import dev.tealight.device.FrameLink;
import dev.tealight.device.MacAddress;
import dev.tealight.device.net.internal.Engine;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * A network without privileges and without a tap: the guest reaches what this process reaches, by
 * the program {@code passt}, which is started for each guest and ends with it. The guest gets its
 * address, route and name servers by DHCP or NDP from it. Immutable. Linux only.
 */
public final class UserNetwork implements FrameLink.Opener {
  private final List<String> arguments;

  private UserNetwork(List<String> arguments) {
    this.arguments = List.copyOf(arguments);
  }

  /** {@return a network in which the guest is not reached from outside} */
  public static UserNetwork create() {
    return new UserNetwork(List.of("-t", "none", "-u", "none"));
  }

  /**
   * {@return the same network with an IPv4 address for a guest that is not to get that of the host}
   *
   * @param address of the guest, which it has of itself or gets by DHCP
   * @param prefixLength bits of its network, 1 to 32
   * @param gateway its route to the outside
   */
  public UserNetwork address(String address, int prefixLength, String gateway) {
    List<String> extended = new ArrayList<>(arguments);
    extended.addAll(List.of("-a", address, "-n", Integer.toString(prefixLength), "-g", gateway));
    return new UserNetwork(extended);
  }

  /**
   * {@return the same network with a TCP port of this host that leads to the guest}
   *
   * @param hostPort 1 to 65535
   * @param guestPort 1 to 65535
   * @throws ConfigurationException if one is outside
   */
  public UserNetwork forwardTcp(int hostPort, int guestPort) {
    return forward("-t", hostPort, guestPort);
  }

  /**
   * {@return the same network with a UDP port of this host that leads to the guest}
   *
   * @param hostPort 1 to 65535
   * @param guestPort 1 to 65535
   * @throws ConfigurationException if one is outside
   */
  public UserNetwork forwardUdp(int hostPort, int guestPort) {
    return forward("-u", hostPort, guestPort);
  }

  private UserNetwork forward(String option, int hostPort, int guestPort) {
    checkPort(hostPort);
    checkPort(guestPort);
    List<String> extended = new ArrayList<>(arguments);
    int none = extended.indexOf(option);
    String ports = "%d:%d".formatted(hostPort, guestPort);
    if (none >= 0 && extended.get(none + 1).equals("none")) {
      extended.set(none + 1, ports);
    } else {
      extended.addAll(List.of(option, ports));
    }
    return new UserNetwork(extended);
  }

  private static void checkPort(int port) {
    if (port < 1 || port > 0xffff) {
      throw new ConfigurationException("port %d: give from 1 to 65535".formatted(port));
    }
  }

  @Override
  public FrameLink open(MacAddress guest) throws IOException {
    return Engine.open(arguments);
  }

  @Override
  public String toString() {
    return "user network";
  }
}
