// SPDX-License-Identifier: ISC
package dev.tealight.build;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Archives of POSIX's ustar format which depend on names and content alone: sorted, of one date and
 * one owner.
 */
final class TarFile {
  private static final int BLOCK = 512;
  private static final int RECORD = 20 * BLOCK;

  private TarFile() {}

  /**
   * Writes an archive.
   *
   * @param archive to be created or replaced
   * @param folder what is put in
   * @param prefix of the names in the archive
   * @throws IOException if that fails, or a name is too long for the format
   */
  static void write(Path archive, Path folder, String prefix) throws IOException {
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(archive), 1 << 16)) {
      long written = 0;
      for (Path path : sorted(folder)) {
        String name = prefix + '/' + folder.relativize(path);
        if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
          out.write(header(name.endsWith("/") ? name : name + '/', '5', 0755, 0, ""));
        } else if (Files.isSymbolicLink(path)) {
          out.write(header(name, '2', 0777, 0, Files.readSymbolicLink(path).toString()));
        } else {
          long byteSize = Files.size(path);
          out.write(header(name, '0', Files.isExecutable(path) ? 0755 : 0644, byteSize, ""));
          Files.copy(path, out);
          int rest = (int) (-byteSize & (BLOCK - 1));
          out.write(new byte[rest]);
          written += byteSize + rest;
        }
        written += BLOCK;
      }
      // Two empty blocks end it, and whole records are written.
      written += 2 * BLOCK;
      out.write(new byte[2 * BLOCK + (int) (RECORD - 1 - (written - 1) % RECORD)]);
    }
  }

  private static List<Path> sorted(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      List<Path> paths = new ArrayList<>(all.toList());
      paths.sort(null);
      return paths;
    }
  }

  private static byte[] header(String name, char type, int mode, long byteSize, String link)
      throws IOException {
    byte[] header = new byte[BLOCK];
    int slash = name.length() <= 100 ? -1 : name.lastIndexOf('/', Math.min(155, name.length() - 2));
    boolean fits = name.length() <= 100 || (slash > 0 && name.length() - slash - 1 <= 100);
    if (!fits || link.length() > 100) {
      throw new IOException("name too long for a tar archive: " + name);
    }
    text(header, 0, name.substring(slash + 1));
    text(header, 345, slash < 0 ? "" : name.substring(0, slash));
    text(header, 100, "%07o".formatted(mode));
    text(header, 108, "0000000");
    text(header, 116, "0000000");
    text(header, 124, "%011o".formatted(byteSize));
    text(header, 136, "00000000000");
    text(header, 148, "        ");
    header[156] = (byte) type;
    text(header, 157, link);
    text(header, 257, "ustar");
    text(header, 263, "00");
    int sum = 0;
    for (byte b : header) {
      sum += b & 0xff;
    }
    text(header, 148, "%06o\0 ".formatted(sum));
    return header;
  }

  private static void text(byte[] header, int at, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    System.arraycopy(bytes, 0, header, at, bytes.length);
  }
}
