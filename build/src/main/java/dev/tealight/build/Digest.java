// SPDX-License-Identifier: ISC
package dev.tealight.build;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/** SHA-256, in hex. */
final class Digest {
  private Digest() {}

  /** {@return the digest of bytes} */
  static String of(byte[] content) {
    return HexFormat.of().formatHex(sha256().digest(content));
  }

  /**
   * {@return the digest of files: of their digests, names and whether they can be executed}
   *
   * @param folder which the names are relative to
   * @param files in an order that depends on their names alone
   */
  static String of(Path folder, List<Path> files) throws IOException {
    MessageDigest all = sha256();
    for (Path file : files) {
      String line =
          "%s %s %s\n"
              .formatted(
                  of(Files.readAllBytes(file)),
                  Files.isExecutable(file) ? "x" : "-",
                  folder.relativize(file));
      all.update(line.getBytes(StandardCharsets.UTF_8));
    }
    return HexFormat.of().formatHex(all.digest());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has SHA-256", e);
    }
  }
}
