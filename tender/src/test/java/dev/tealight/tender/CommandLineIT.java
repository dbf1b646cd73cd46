// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.tender.TenderProcess.Result;
import dev.tealight.testkit.Guests;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What needs the packaged tender, but no backend. */
class CommandLineIT {
  @TempDir Path folder;

  @Test
  void helpIsNoFailure() throws Exception {
    Result result = TenderProcess.run("run", "--help");
    assertThat(result.status()).isZero();
    assertThat(result.out()).contains("usage: tealight run", "--mem=N", "--block:NAME=PATH");
    assertThat(TenderProcess.run("--help").out()).contains("inspect", "backends", "run");
  }

  @Test
  void versionIsShown() throws Exception {
    assertThat(TenderProcess.run("--version").status()).isZero();
    assertThat(TenderProcess.run("--mem=4", "--version").err()).contains("ABI version 2");
  }

  @Test
  void withoutAnyWordTheUsageIsShownAsAFailure() throws Exception {
    Result result = TenderProcess.run();
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.out()).isEmpty();
    assertThat(result.err()).contains("Usage: tealight");
  }

  @Test
  void optionsWithoutAnImageAreAFailure() throws Exception {
    Result result = TenderProcess.run("--mem=4");
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.err()).startsWith("tealight: no image was given").contains("usage:");
  }

  @Test
  void unknownOptionIsNamedBeforeTheUsage() throws Exception {
    Result result = TenderProcess.run("--disk=x", "image");
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.err())
        .isEqualToNormalizingNewlines(
            """
            tealight: invalid option: --disk=x
            usage: tealight run [OPTIONS] [--] IMAGE [ARGUMENTS]
            More: tealight run --help
            """);
  }

  @Test
  void inspectShowsAbiManifestAndSegments() throws Exception {
    String image = Guests.copyTo(folder, "blk").toString();
    Result text = TenderProcess.run("inspect", image);
    assertThat(text.status()).isZero();
    assertThat(text.out())
        .contains("hvt, version 2", "BLOCK_BASIC  storage", "0x00100000", "--x")
        .doesNotContain("\u001b");
    assertThat(TenderProcess.run("inspect", "--json", image).out())
        .startsWith("{")
        .contains(
            "\"target\": \"hvt\"", "{\"handle\": 1, \"name\": \"storage\"", "\"segments\": [");
  }

  @Test
  void inspectRefusesWhatIsNoImage() throws Exception {
    Result result = TenderProcess.run("inspect", "pom.xml");
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.err()).startsWith("tealight: image pom.xml");
  }

  @Test
  void runsInVirtualTimeAreEqual() throws Exception {
    String random = Guests.copyTo(folder, "rdrand").toString();
    Result first = TenderProcess.run("--virtual-time=7", random);
    assertThat(first.status()).isZero();
    assertThat(TenderProcess.run("--virtual-time=7", random)).isEqualTo(first);
    assertThat(TenderProcess.run("--virtual-time", random).out()).isNotEqualTo(first.out());
  }

  @Test
  void virtualTimePassesOverSleeps() throws Exception {
    String sleeper = Guests.copyTo(folder, "poll").toString();
    Result result = TenderProcess.run("--virtual-time", sleeper, "31536000000000000"); // a year
    assertThat(result.status()).isZero();
    assertThat(result.out()).contains("SUCCESS");
  }

  @Test
  void completionIsAShellScript() throws Exception {
    assertThat(TenderProcess.run("completion").out())
        .contains("complete -F")
        .contains("--deadline");
  }

  @Test
  void runLoadsNoLibraryForParsingArguments() throws Exception {
    Result result =
        TenderProcess.run(List.of("-Xlog:class+load:stdout"), "--mem=4", "--block:a=b", "nothing");
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.out())
        .contains("dev.tealight.tender.RunOptions ")
        .doesNotContain("picocli.")
        .doesNotContain("dev.tealight.tender.Subcommands");
  }
}
