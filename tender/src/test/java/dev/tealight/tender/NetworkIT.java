// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.tealight.tender.TenderProcess.Result;
import dev.tealight.testkit.Guests;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the tender attaches guests' networks to, on the software CPU. */
class NetworkIT {
  /** Opens a tap and becomes the command behind it, in which @FD is the tap's descriptor. */
  private static final String OPEN_TAP =
      """
      use Fcntl;
      sysopen(my $tap, '/dev/net/tun', O_RDWR) or die "/dev/net/tun: $!";
      my $plain = 0x1002; # IFF_TAP | IFF_NO_PI
      ioctl($tap, 0x400454ca, pack('a16sx22', shift, $plain)) or die "TUNSETIFF: $!";
      fcntl($tap, F_SETFD, 0) or die "F_SETFD: $!";
      my $number = fileno($tap);
      s/\\@FD/\\@$number/ for @ARGV;
      exec @ARGV;
      """;

  @TempDir Path folder;
  private String guest = "";

  @BeforeEach
  void copyGuest() throws IOException {
    guest = Guests.copyTo(folder, "net_mtu").toString();
  }

  private List<String> tender(String... words) throws IOException {
    List<String> all = new ArrayList<>(List.of("--backend=softcpu"));
    all.addAll(List.of(words));
    all.add(guest);
    return TenderProcess.command(List.of(), all);
  }

  private static void assertServed(Result result) {
    assertThat(result.status()).as("%s", result).isZero();
    assertThat(result.out()).as("%s", result).contains("MTU is 9000", "SUCCESS");
  }

  @Test
  void tapIsAttachedToByItsName() throws Exception {
    assertServed(TapNamespace.run("", tender("--net:service0=tap102")));
  }

  @Test
  void openTapIsAttachedToByItsNumber() throws Exception {
    try {
      int status = new ProcessBuilder("perl", "-e", "1").start().waitFor();
      assertThat(status).isZero();
    } catch (IOException e) {
      System.out.println("openTapIsAttachedToByItsNumber is skipped: there is no perl to open it");
      abort(e.getMessage());
    }
    List<String> command = new ArrayList<>(List.of("perl", "-e", OPEN_TAP, "tap102"));
    command.addAll(tender("--net:service0=@FD"));
    assertServed(TapNamespace.run("", command));
  }

  @Test
  void numberThatIsNoTapIsRefused() throws Exception {
    Result result = TenderProcess.finish(new ProcessBuilder(tender("--net:service0=@99")).start());
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.err())
        .startsWith("tealight: device service0: descriptor 99 is no tap (EBADF): ");
  }

  private Result withoutPasst(String... words) throws Exception {
    ProcessBuilder builder = new ProcessBuilder(tender(words));
    builder.environment().put("PATH", folder.toString());
    return TenderProcess.finish(builder.start());
  }

  @Test
  void userNetworkSaysHowToGetItsProgram() throws Exception {
    Result result = withoutPasst("--net:service0=user");
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.err())
        .startsWith(
            "tealight: device service0: a user network needs the program passt: install it (Debian,"
                + " Fedora: the package passt), or start another and name its socket with"
                + " unix:PATH");
  }

  /** A program of that name tells what it was asked for. */
  @Test
  void portsAreForwardedByTheUserNetworksProgram() throws Exception {
    Path passt = Files.writeString(folder.resolve("passt"), "#!/bin/sh\necho \"asked for $*\"\n");
    Files.setPosixFilePermissions(passt, PosixFilePermissions.fromString("rwxr-xr-x"));
    Result result =
        withoutPasst(
            "--net:service0=user", "--net-forward:service0=tcp:8080:80,tcp:8443:443,udp:5353:53");
    assertThat(result.status()).isEqualTo(1);
    assertThat(result.err())
        .contains("passt does not start: asked for ")
        .contains(" -t 8080:80 ")
        .contains(" -t 8443:443")
        .contains(" -u 5353:53");
    assertThat(withoutPasst("--net:service0=user").err()).contains(" -t none -u none");
  }
}
