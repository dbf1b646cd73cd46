// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tealight.Hypervisors;
import dev.tealight.spi.Availability;
import dev.tealight.tender.TenderProcess.Result;
import dev.tealight.testkit.Guests;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The results of Solo5's own tests, and a few more, by the packaged tender on KVM. */
class RunIT {
  @TempDir Path folder;

  @BeforeAll
  static void needsKvm() {
    String reason =
        Hypervisors.installed().stream()
            .filter(provider -> provider.name().equals("kvm"))
            .map(
                provider ->
                    switch (provider.availability()) {
                      case Availability.Available available -> "";
                      case Availability.Unavailable(String why) -> why;
                    })
            .findFirst()
            .orElse("the backend kvm is not installed");
    if (!reason.isEmpty()) {
      System.out.println("RunIT is skipped: " + reason);
    }
    assumeTrue(reason.isEmpty(), reason);
  }

  private String guest(String name) throws IOException {
    return Guests.copyTo(folder, name).toString();
  }

  private String disk(int byteSize) throws IOException {
    return Files.write(folder.resolve("disk.img"), new byte[byteSize]).toString();
  }

  private static void assertFailure(Result result, String... texts) {
    assertThat(result.status()).as(result.toString()).isEqualTo(1);
    assertThat(result.err()).startsWith("tealight: ").contains(texts);
  }

  @ParameterizedTest
  @CsvSource({
    "hello,     Hello_Solo5,   0,   SUCCESS",
    "quiet,     --solo5:quiet, 0,   SUCCESS",
    "output,    argument,      0,   ''",
    "globals,   '',            0,   SUCCESS",
    "exception, '',            255, ABORT",
    "zeropage,  '',            255, ABORT",
    "notls,     '',            255, ABORT",
    "tls,       '',            0,   SUCCESS",
    "ssp,       '',            255, ABORT",
    "status,    0,             0,   ''",
    "status,    42,            42,  ''",
    "status,    255,           255, ''",
    "status,    256,           0,   ''",
    "status,    -1,            255, ''",
  })
  void statusAndOutputAreTheGuests(String name, String argument, int status, String text)
      throws Exception {
    Result result =
        argument.isEmpty()
            ? TenderProcess.run("--mem=4096", guest(name))
            : TenderProcess.run("--mem=4096", "--", guest(name), argument);
    assertThat(result.status()).as(result.toString()).isEqualTo(status);
    assertThat(result.out()).contains(text);
    assertThat(result.err()).isEmpty();
  }

  @Test
  void quietGuestIsQuiet() throws Exception {
    assertThat(TenderProcess.run("--", guest("quiet"), "--solo5:quiet").out())
        .doesNotContain("Solo5:");
  }

  @Test
  void bytesArriveUnchangedAndComplete() throws Exception {
    StringBuilder all = new StringBuilder();
    for (char c = 0; c < 256; c++) {
      all.append(c);
    }
    assertThat(TenderProcess.run(guest("bytes")).out()).contains(all);
  }

  @ParameterizedTest
  @ValueSource(strings = {"xnow", "rnow"})
  void writeToAProtectedPageIsATranslationFault(String name) throws Exception {
    assertFailure(TenderProcess.run(guest(name)), "host/guest translation fault");
  }

  @Test
  void tripleFaultIsReportedWithThePlace() throws Exception {
    assertFailure(TenderProcess.run("--ring3=never", guest("triplefault")), "(triple fault)", "0x");
  }

  @Test
  void guestWithoutWordsIsHello() throws Exception {
    Result result = TenderProcess.run("run");
    assertThat(result.status()).as(result.toString()).isZero();
    assertThat(result.out()).contains("SUCCESS");
  }

  @ParameterizedTest
  @CsvSource({"512, 4194304", "4096, 4194304", "512, 1048576"})
  void blockDeviceServesTheGuest(int sectorByteSize, int capacity) throws Exception {
    Result result =
        TenderProcess.run(
            "--block-sector-size:storage=" + sectorByteSize,
            "--block:storage=" + disk(capacity),
            guest("blk"));
    assertThat(result.status()).as(result.toString()).isZero();
    assertThat(result.out()).contains("SUCCESS");
  }

  @Test
  void capacityThatIsNotWholeSectorsIsRefused() throws Exception {
    assertFailure(
        TenderProcess.run(
            "--block:storage=" + disk(6144), "--block-sector-size:storage=4096", guest("blk")),
        "Backing storage size must be block aligned");
  }

  @ParameterizedTest
  @CsvSource({"1563, 521", "256, 256"})
  void oddSectorSizesAreRefused(int capacity, int sectorByteSize) throws Exception {
    assertFailure(
        TenderProcess.run(
            "--block:storage=" + disk(capacity),
            "--block-sector-size:storage=" + sectorByteSize,
            guest("blk")),
        "Block size must be a multiple of 2 greater than or equal 512");
  }

  @Test
  void sixtyThreeDevicesWork() throws Exception {
    List<String> words = new ArrayList<>();
    for (int i = 0; i < 63; i++) {
      Path disk = Files.write(folder.resolve("disk" + i), new byte[4096]);
      words.add("--block:storage" + i + "=" + disk);
    }
    words.add(guest("mft_maxdevices"));
    Result result = TenderProcess.run(words.toArray(String[]::new));
    assertThat(result.status()).as(result.toString()).isZero();
  }

  @Test
  void imageThatCannotBeReadIsNamed() throws Exception {
    Result result = TenderProcess.run(folder.resolve("missing.hvt").toString());
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.err()).contains("missing.hvt").contains("no such file");
  }

  @Test
  void devicesMustMatchTheManifest() throws Exception {
    assertFailure(TenderProcess.run(guest("blk")), "storage", "not attached");
    assertFailure(
        TenderProcess.run("--block:other=" + disk(512), guest("hello")), "other", "not declared");
    assertFailure(
        TenderProcess.run("--block:storage=" + folder.resolve("none"), guest("blk")),
        "no such file");
  }

  @ParameterizedTest
  @CsvSource({"1, 2", "3, 2", "5, 4", "4097, 4096"})
  void memoryIsRoundedWithANotice(int requested, int rounded) throws Exception {
    Result result = TenderProcess.run("--mem=" + requested, guest("halt"));
    assertThat(result.status()).as(result.toString()).isZero();
    assertThat(result.err())
        .isEqualTo(
            "tealight: memory of %d MiB is rounded to %d MiB%n".formatted(requested, rounded));
  }

  @ParameterizedTest
  @ValueSource(strings = {"4098", "99999999999999999999"})
  void memoryAboveFourGibibytesIsRefused(String mib) throws Exception {
    assertFailure(TenderProcess.run("--mem=" + mib, guest("halt")), "guest memory of");
  }

  @Test
  void longestCommandLineArrivesAndOneCharacterMoreIsRefused() throws Exception {
    Result result = TenderProcess.run(guest("args"), "a".repeat(4000), "b".repeat(4190));
    assertThat(result.status()).as(result.toString()).isZero();
    assertThat(result.out()).contains("length 8191 ");
    assertFailure(TenderProcess.run(guest("args"), "a".repeat(4000), "b".repeat(4191)), "8191");
  }

  @Test
  void damagedManifestNoteIsRefused() throws Exception {
    byte[] image = Guests.image("hello");
    String text = new String(image, StandardCharsets.ISO_8859_1);
    int name = text.indexOf("\6\0\0\0");
    while (!text.startsWith("Solo5\0", name + 12) || text.charAt(name + 8) != 'M') {
      name = text.indexOf("\6\0\0\0", name + 1);
      assertThat(name).as("manifest note").isPositive();
    }
    image[name + 4] = 1; // n_descsz: less than the padding in front of the content
    image[name + 5] = 0;
    Path damaged = Files.write(folder.resolve("damaged.hvt"), image);
    assertFailure(TenderProcess.run(damaged.toString()), "note does not fall within valid size");
  }

  @Test
  void deadlineEndsTheRun() throws Exception {
    assertFailure(
        TenderProcess.run("--deadline=0.5", guest("spin")), "stopped at its deadline of 0.5 s");
  }

  @ParameterizedTest
  @ValueSource(strings = {"spin", "pollforever"})
  void signalEndsTheRunWithStatusOne(String name) throws Exception {
    Process process = TenderProcess.start(List.of(), guest(name));
    // Not closed: the rest of the output is read below.
    new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII))
        .readLine();
    process.toHandle().destroy(); // Unlike the process, it leaves the streams open.
    assertFailure(TenderProcess.finish(process), "stopped by a signal");
  }

  @Test
  void guestIsStoppedWhenNobodyReadsItsOutput() throws Exception {
    Process process = TenderProcess.start(List.of(), guest("flood"));
    process.getInputStream().close();
    assertThat(process.waitFor()).isEqualTo(1);
    assertThat(TenderProcess.text(process.getErrorStream())).contains("standard output failed");
  }

  @Test
  void choiceOfTheBackendIsShownIfAskedFor() throws Exception {
    Result result = TenderProcess.run("-v", "--backend=kvm", guest("halt"));
    assertThat(result.err()).startsWith("tealight: backend kvm: ").contains("privilege level");
    assertThat(TenderProcess.run("-v", "--ring3=never", guest("halt")).err())
        .contains("guests start at privilege level 0: the options say so");
    assertFailure(TenderProcess.run("--backend=none", guest("halt")), "none", "kvm");
  }

  @Test
  void allThreadsAreConfinedWhileTheGuestRuns() throws Exception {
    assertThat(confinement(guest("spin"))).containsOnly("NoNewPrivs:\t1", "Seccomp:\t2");
    assertThat(confinement("--no-seccomp", guest("spin"))).contains("Seccomp:\t0");
  }

  private static Set<String> confinement(String... words) throws Exception {
    Process process = TenderProcess.start(List.of(), words);
    Set<String> lines = new TreeSet<>();
    try {
      // Not closed: that would close the process's stream.
      new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII))
          .readLine();
      Path tasks = Path.of("/proc", Long.toString(process.pid()), "task");
      try (DirectoryStream<Path> threads = Files.newDirectoryStream(tasks)) {
        for (Path thread : threads) {
          for (String line : Files.readAllLines(thread.resolve("status"))) {
            if (line.startsWith("NoNewPrivs:") || line.startsWith("Seccomp:")) {
              lines.add(line);
            }
          }
        }
      }
    } finally {
      process.destroyForcibly().waitFor();
    }
    return lines;
  }
}
