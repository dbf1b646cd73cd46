// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tealight.tender.TenderProcess.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Solo5's own tests for its target virtio, on the software CPU, with what Solo5 expects of them.
 * They are looked for in the folder that {@code -Dtealight.peer.solo5=DIR} names, a built source
 * tree.
 *
 * <p>Those with a network run in a namespace of their own, whose other end floods them with pings.
 */
class PeerVirtioIT {
  /** As Solo5's tests have it: taps, and pings as soon as the guest answers. */
  private static final String NETWORK =
      """
      set -e
      ip link set lo up
      for i in 0 1; do
        ip tuntap add dev tap10$i mode tap
        ip addr add 10.$i.0.1/24 dev tap10$i
        ip link set tap10$i up
      done
      ip tuntap add dev tap102 mode tap
      ip link set tap102 mtu 9000 up
      for address in $1; do
        (
          until ping -q -c 1 -W 1 $address; do :; done
          exec ping -q -f -w 300 $address
        ) >/dev/null 2>&1 &
      done
      shift
      "$@" && status=0 || status=$?
      kill $(jobs -p) 2>/dev/null || true
      exit $status\
      """;

  @TempDir Path folder;
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
      System.out.println("PeerVirtioIT is skipped: " + reason);
    }
    assumeTrue(found, reason);
  }

  /** The status says nothing: all of them end by port 0x501, or halted. */
  private static void assertEnds(Result result, String expected) {
    assertThat(result.status()).as("%s", result).isZero();
    assertThat(result.out()).as("%s", result).contains(expected);
  }

  private List<String> words(String name, String options, String arguments) throws IOException {
    Path disk = Files.write(folder.resolve("disk"), new byte[4 << 20]);
    List<String> words = new ArrayList<>(List.of("--backend=softcpu", "--mem=128"));
    if (!options.isEmpty()) {
      words.addAll(List.of(options.replace("DISK", disk.toString()).split(" ", -1)));
    }
    words.add(peer.resolve("test_" + name).resolve("test_" + name + ".virtio").toString());
    if (!arguments.isEmpty()) {
      words.add(arguments);
    }
    return words;
  }

  @ParameterizedTest
  @CsvSource({
    "hello, '', Hello_Solo5, SUCCESS",
    "quiet, '', --solo5:quiet, SUCCESS",
    "output, '', '', 'solo5_exit(0) called'",
    "globals, '', '', SUCCESS",
    "exception, '', '', ABORT",
    "zeropage, '', '', ABORT",
    "notls, '', '', ABORT",
    "tls, '', '', SUCCESS",
    "ssp, '', '', ABORT",
    "fpu, '', '', SUCCESS",
    "blk, --block:storage=DISK, '', SUCCESS",
    // It measures how long it sleeps, which a busy host would spoil.
    "time, --virtual-time, '', SUCCESS",
  })
  void guestEndsAsSolo5Expects(String name, String options, String arguments, String expected)
      throws Exception {
    assertEnds(TenderProcess.run(words(name, options, arguments).toArray(String[]::new)), expected);
  }

  @ParameterizedTest
  @CsvSource({
    "net, --net:service0=tap100, limit, 10.0.0.2, SUCCESS",
    "net_2if, --net:service0=tap100 --net:service1=tap101, limit, 10.0.0.2 10.1.0.2, SUCCESS",
    "net_mtu, --net:service0=tap102, '', '', MTU is 9000",
  })
  void guestOnTapsEndsAsSolo5Expects(
      String name, String options, String arguments, String pinged, String expected)
      throws Exception {
    List<String> network =
        new ArrayList<>(List.of("unshare", "--net", "sh", "-c", NETWORK, "sh", pinged));
    int mayNot = TenderProcess.finish(builder(network, List.of("true")).start()).status();
    assumeTrue(mayNot == 0, "no network namespace with taps can be made here");
    List<String> tender = TenderProcess.command(List.of(), words(name, options, arguments));
    Result result = TenderProcess.finish(builder(network, tender).start());
    assertEnds(result, expected);
    assertThat(result.out()).contains("SUCCESS");
  }

  private static ProcessBuilder builder(List<String> network, List<String> command) {
    List<String> all = new ArrayList<>(network);
    all.addAll(command);
    return new ProcessBuilder(all);
  }
}
