// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tealight.tender.TenderProcess.Result;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * A network namespace that is made for one command and goes with it: nothing of the host's network
 * is touched. As Solo5's tests have it, with the taps tap100 (10.0.0.1/24), tap101 (10.1.0.1/24)
 * and tap102 (MTU 9000).
 */
final class TapNamespace {
  private static final String SCRIPT =
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
      pingers=
      for address in $1; do
        (
          until ping -q -c 1 -W 1 -p deadbeef $address; do :; done
          exec ping -q -f -w 300 -p deadbeef $address
        ) >/dev/null 2>&1 &
        pingers="$pingers $!"
      done
      shift
      "$@" && status=0 || status=$?
      kill $pingers 2>/dev/null || true
      exit $status\
      """;

  /** By root as it is; by others as root of a namespace. */
  private static final List<List<String>> WAYS =
      List.of(
          List.of("unshare", "--net"), List.of("unshare", "--user", "--map-root-user", "--net"));

  private TapNamespace() {}

  /**
   * Runs a command in it; skips the test where there can be none.
   *
   * @param pinged addresses that are flooded with pings (of what net_ring expects) as soon as they
   *     answer one, with spaces between them; may be empty
   */
  static Result run(String pinged, List<String> command) throws Exception {
    StringBuilder reasons = new StringBuilder();
    for (List<String> way : WAYS) {
      try {
        Result trial = TenderProcess.finish(start(way, "", List.of("true")));
        if (trial.status() == 0) {
          return TenderProcess.finish(start(way, pinged, command));
        }
        reasons.append(trial.err().strip()).append("; ");
      } catch (IOException e) {
        reasons.append(e.getMessage()).append("; ");
      }
    }
    String reason = "no network namespace with taps can be made here: " + reasons;
    System.out.println("skipped: " + reason);
    assumeTrue(false, reason);
    throw new AssertionError("not reached");
  }

  private static Process start(List<String> way, String pinged, List<String> command)
      throws IOException {
    List<String> all = new ArrayList<>(way);
    all.addAll(List.of("sh", "-c", SCRIPT, "sh", pinged));
    all.addAll(command);
    return new ProcessBuilder(all).start();
  }
}
