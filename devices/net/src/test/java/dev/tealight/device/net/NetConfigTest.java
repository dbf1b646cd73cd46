// SPDX-License-Identifier: ISC
package dev.tealight.device.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ConfigurationException;
import dev.tealight.DeviceException;
import dev.tealight.device.Device;
import dev.tealight.device.FrameLink;
import dev.tealight.device.MacAddress;
import dev.tealight.device.net.internal.NetDeviceProvider;
import dev.tealight.testkit.DeviceHarness;
import dev.tealight.testkit.QueueLink;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What can be configured, and what is refused. */
class NetConfigTest {
  private static final MacAddress MAC = MacAddress.parse("02:01:02:03:04:05");

  @Test
  void guestLearnsAddressAndMtu() {
    try (DeviceHarness harness =
        DeviceHarness.of("NET_BASIC", NetConfig.of(mac -> new QueueLink()).mac(MAC).mtu(9000))) {
      assertThat(harness.properties())
          .containsExactly(2, 1, 2, 3, 4, 5, 0x28, 0x23, 0, 0, 0, 0, 0, 0, 0, 0);
    }
  }

  @Test
  void mtuIsTheLinksUnlessGiven() {
    try (DeviceHarness harness =
        DeviceHarness.of("NET_BASIC", NetConfig.of(mac -> new QueueLink()))) {
      assertThat(harness.properties()[6]).isEqualTo((byte) (1500 & 0xff));
      assertThat(harness.properties()[7]).isEqualTo((byte) (1500 >> 8));
    }
  }

  @Test
  void addressIsTheSameInEachRunAndAnotherForAnotherDevice() {
    FrameLink.Opener opener = new Named();
    assertThat(address(opener, "service0")).isEqualTo(address(new Named(), "service0"));
    assertThat(address(opener, "service0")).isNotEqualTo(address(opener, "service1"));
  }

  private static final class Named implements FrameLink.Opener {
    private MacAddress given = MAC;

    @Override
    public FrameLink open(MacAddress guest) {
      given = guest;
      return new QueueLink();
    }

    @Override
    public String toString() {
      return "cable";
    }
  }

  private static MacAddress address(FrameLink.Opener opener, String device) {
    Named named = (Named) opener;
    NetConfig.of(named).create(device).close();
    return named.given;
  }

  @Test
  void linkThatCannotBeOpenedIsRefusedByTheDevicesName() {
    NetConfig config =
        NetConfig.of(
            mac -> {
              throw new IOException("no cable: plug it in");
            });
    assertThatThrownBy(() -> config.create("service0"))
        .isInstanceOf(DeviceException.class)
        .hasMessage("device service0: no cable: plug it in");
  }

  @Test
  void linkIsClosedWithTheDevice() {
    QueueLink link = new QueueLink();
    Device device = NetConfig.of(mac -> link).create("service0");
    assertThat(link.isClosed()).isFalse();
    device.close();
    assertThat(link.isClosed()).isTrue();
  }

  @Test
  void mtuOutsideTheProtocolIsRefused() {
    NetConfig config = NetConfig.of(mac -> new QueueLink());
    for (int mtu : new int[] {-1, 0, 67, 65522, Integer.MAX_VALUE}) {
      assertThatThrownBy(() -> config.mtu(mtu))
          .isInstanceOf(ConfigurationException.class)
          .hasMessage("MTU of %d bytes: give from 68 to 65521", mtu);
    }
  }

  @Test
  void optionsNameTheirLink() {
    assertThat(configured("tap0")).isEqualTo("network device over tap tap0");
    assertThat(configured("@7")).isEqualTo("network device over tap descriptor 7");
    assertThat(configured("unix:/run/passt.sock"))
        .isEqualTo("network device over socket /run/passt.sock");
    assertThat(configured("user")).isEqualTo("network device over user network");
  }

  private static String configured(String link) {
    return new NetDeviceProvider().configure("service0", Map.of("net", link)).toString();
  }

  @Test
  void optionsThatCannotBeAreRefused() {
    NetDeviceProvider provider = new NetDeviceProvider();
    assertThatThrownBy(() -> provider.configure("service0", Map.of("net", "")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "device service0: --net:service0= needs a tap interface, @FD, unix:PATH or user");
    assertThatThrownBy(() -> provider.configure("service0", Map.of("net", "@tap0")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("device service0: @tap0 is no descriptor: give @ and its number");
    assertThatThrownBy(
            () -> provider.configure("service0", Map.of("net", "tap0", "net-forward", "tcp:1:1")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("device service0: ports lead only to a guest with --net:service0=user");
    for (String port : new String[] {"", "80", "tcp:80", "sctp:1:1", "tcp:-1:1", "tcp:1:1:1"}) {
      assertThatThrownBy(
              () ->
                  provider.configure(
                      "service0", Map.of("net", "user", "net-forward", "udp:1:1," + port)))
          .isInstanceOf(ConfigurationException.class)
          .hasMessage(
              "device service0: '%s' leads no port to a guest: give tcp:HOST:GUEST or"
                  + " udp:HOST:GUEST",
              port);
    }
    assertThatThrownBy(
            () -> provider.configure("service0", Map.of("net", "user", "net-forward", "tcp:0:1")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage("port 0: give from 1 to 65535");
    assertThatThrownBy(
            () -> provider.configure("service0", Map.of("net", "tap0", "net-mac", "01:0:0:0:0:1")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith("MAC address 01:0:0:0:0:1: ");
  }

  @Test
  void zeroIsNoAddressButIsNotRefused() {
    assertThat(
            new NetDeviceProvider()
                .configure("service0", Map.of("net", "tap0", "net-mac", "0:0:0:0:0:00")))
        .hasToString("network device over tap tap0");
  }

  @Test
  void portsThatCannotBeForwardedAreRefused() {
    for (int port : new int[] {-1, 0, 65536}) {
      assertThatThrownBy(() -> UserNetwork.create().forwardTcp(port, 80))
          .isInstanceOf(ConfigurationException.class)
          .hasMessage("port %d: give from 1 to 65535", port);
      assertThatThrownBy(() -> UserNetwork.create().forwardUdp(80, port))
          .isInstanceOf(ConfigurationException.class);
    }
  }
}
