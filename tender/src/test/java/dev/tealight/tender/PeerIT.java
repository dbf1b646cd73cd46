// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tealight.tender.TenderProcess.Result;
import dev.tealight.testkit.Guests;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The same command lines to Solo5's own tender, which is looked for in the folder that {@code
 * -Dtealight.peer.solo5=DIR} names, a built source tree.
 */
class PeerIT {
  @TempDir Path folder;
  private Path peer = Path.of("");

  @BeforeEach
  void needsThePeer() {
    String folder = System.getProperty("tealight.peer.solo5", "");
    String reason =
        folder.isEmpty()
            ? "no solo5-hvt to compare with was named: -Dtealight.peer.solo5=DIR"
            : "there is no tenders/hvt/solo5-hvt in " + folder;
    peer = Path.of(folder, "tenders", "hvt", "solo5-hvt");
    boolean found = !folder.isEmpty() && Files.isExecutable(peer);
    if (!found) {
      System.out.println("PeerIT is skipped: " + reason);
    }
    assumeTrue(found, reason);
  }

  /** GUEST stands for the image's file, DISK for a file of 4 MiB, ODD for one of 6144 bytes. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "GUEST:hello Hello_Solo5",
        "GUEST:hello wrong",
        "--mem=3 GUEST:halt",
        "--mem=0 GUEST:halt",
        "--mem=4097 GUEST:halt",
        "-- GUEST:quiet --solo5:quiet",
        "GUEST:exception",
        "GUEST:zeropage",
        "GUEST:ssp",
        "GUEST:status 256",
        "GUEST:status -1",
        "GUEST:xnow",
        "GUEST:hlt",
        "GUEST:triplefault",
        "GUEST:blk",
        "--block:storage=DISK GUEST:blk",
        "--block:storage=DISK --block-sector-size:storage=4096 GUEST:blk",
        "--block-sector-size:storage=4096 --block:storage=DISK GUEST:blk",
        "--block:storage=ODD --block-sector-size:storage=4096 GUEST:blk",
        "--block:storage=DISK --block-sector-size:storage=521 GUEST:blk",
        "--block:other=DISK GUEST:hello",
        "--block:storage=missing GUEST:blk",
        "--nonsense GUEST:hello",
        "missing",
        "--mem=4 --version",
      })
  void statusIsThePeers(String commandLine) throws Exception {
    Files.write(folder.resolve("disk"), new byte[4 << 20]);
    Files.write(folder.resolve("odd"), new byte[6144]);
    List<String> words = new ArrayList<>();
    for (String word : commandLine.split(" ", -1)) {
      if (word.startsWith("GUEST:")) {
        words.add(Guests.copyTo(folder, word.substring(6)).toString());
      } else {
        words.add(
            word.replace("DISK", folder.resolve("disk").toString())
                .replace("ODD", folder.resolve("odd").toString()));
      }
    }
    List<String> peerCommand = new ArrayList<>(List.of(peer.toString()));
    peerCommand.addAll(words);
    Result theirs = TenderProcess.finish(new ProcessBuilder(peerCommand).start());
    Result ours = TenderProcess.run(words.toArray(String[]::new));
    assertThat(ours.status()).as("ours: %s%ntheirs: %s", ours, theirs).isEqualTo(theirs.status());
    // Messages are on standard error: what is here is the guest's.
    assertThat(ours.out()).isEqualTo(theirs.out());
  }
}
