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
 * tree. Those with a network are in {@link PeerNetworkIT}.
 */
class PeerVirtioIT {
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
}
