// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What tells this host from others whose guests may be on the same network. */
public final class HostIdentity {
  /** Where Linux and FreeBSD keep it. */
  private static final List<Path> FILES =
      List.of(Path.of("/etc/machine-id"), Path.of("/etc/hostid"));

  private HostIdentity() {}

  /** {@return the same text each time, another one on other hosts if hosts have an identity} */
  public static String text() {
    for (Path file : FILES) {
      try {
        return Files.readString(file, StandardCharsets.ISO_8859_1).strip();
      } catch (IOException e) {
        // The next one.
      }
    }
    return "";
  }
}
