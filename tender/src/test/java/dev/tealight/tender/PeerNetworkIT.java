// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tealight.tender.TenderProcess.Result;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Solo5's own tests of networks for its targets hvt and virtio, with what Solo5 expects of them, on
 * the software CPU and, for hvt, on what the tender chooses. They are looked for in the folder that
 * {@code -Dtealight.peer.solo5=DIR} names, a built source tree.
 *
 * <p>Each runs in a network namespace of its own, whose other end floods it with pings.
 */
class PeerNetworkIT {
  private Path peer = Path.of("");

  @BeforeEach
  void needsThePeer() {
    String named = System.getProperty("tealight.peer.solo5", "");
    peer = Path.of(named, "tests");
    boolean found = !named.isEmpty() && Files.isDirectory(peer);
    String reason =
        named.isEmpty()
            ? "no built Solo5 with its tests was named: -Dtealight.peer.solo5=DIR"
            : "there is no folder tests in " + named;
    if (!found) {
      System.out.println("PeerNetworkIT is skipped: " + reason);
    }
    assumeTrue(found, reason);
  }

  @ParameterizedTest
  @CsvSource({
    "net.hvt, '', --net:service0=tap100, limit, 10.0.0.2, SUCCESS",
    "net_2if.hvt, '', --net:service0=tap100 --net:service1=tap101, limit, 10.0.0.2 10.1.0.2,"
        + " SUCCESS",
    "net_mtu.hvt, '', --net:service0=tap102, '', '', MTU is 9000",
    "net_ring.hvt, '', --net:service0=tap100, '', 10.0.0.2, SUCCESS",
    "net_ring.hvt, '', --net-ring=off --net:service0=tap100, '', 10.0.0.2, SUCCESS",
    "net.hvt, softcpu, --net:service0=tap100, limit, 10.0.0.2, SUCCESS",
    "net_2if.hvt, softcpu, --net:service0=tap100 --net:service1=tap101, limit, 10.0.0.2 10.1.0.2,"
        + " SUCCESS",
    "net_mtu.hvt, softcpu, --net:service0=tap102, '', '', MTU is 9000",
    "net_ring.hvt, softcpu, --net:service0=tap100, '', 10.0.0.2, SUCCESS",
    "net.virtio, softcpu, --net:service0=tap100, limit, 10.0.0.2, SUCCESS",
    "net_2if.virtio, softcpu, --net:service0=tap100 --net:service1=tap101, limit,"
        + " 10.0.0.2 10.1.0.2, SUCCESS",
    "net_mtu.virtio, softcpu, --net:service0=tap102, '', '', MTU is 9000",
  })
  void guestOnTapsEndsAsSolo5Expects(
      String image,
      String backend,
      String options,
      String arguments,
      String pinged,
      String expected)
      throws Exception {
    List<String> words = new ArrayList<>(List.of("--mem=128"));
    if (!backend.isEmpty()) {
      words.add("--backend=" + backend);
    }
    words.addAll(List.of(options.split(" ", -1)));
    String name = "test_" + image;
    words.add(peer.resolve(name.substring(0, name.indexOf('.'))).resolve(name).toString());
    if (!arguments.isEmpty()) {
      words.add(arguments);
    }
    Result result = TapNamespace.run(pinged, TenderProcess.command(List.of(), words));
    assertThat(result.status()).as("%s", result).isZero();
    assertThat(result.out()).as("%s", result).contains(expected, "SUCCESS");
  }
}
