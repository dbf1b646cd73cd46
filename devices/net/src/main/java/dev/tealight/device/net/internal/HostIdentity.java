// SPDX-License-Identifier: ISC
package dev.tealight.device.net.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What tells this host from others whose guests may be on the same network. */
public final class HostIdentity {
  private static final Path MACHINE_ID = Path.of("/etc/machine-id");

  private HostIdentity() {}

  /** {@return the same text each time, another one on other hosts if hosts have an identity} */
  public static String text() {
    try {
      return Files.readString(MACHINE_ID).strip();
    } catch (IOException e) {
      return "";
    }
  }
}
