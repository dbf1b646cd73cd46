// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The guest programs that come with the testkit, as Solo5 hvt images and multiboot kernels for
 * x86-64. Their sources and what each of them proves are in {@code testkit/guests}.
 */
public final class Guests {
  private Guests() {}

  /**
   * {@return an image}
   *
   * @param name of the program, for instance {@code hello}
   * @throws IllegalArgumentException if there is no such program
   */
  public static byte[] image(String name) {
    return resource(name, ".hvt");
  }

  /**
   * {@return a multiboot kernel}
   *
   * @param name of the program: {@code pc}, {@code echo} or {@code sectors}
   * @throws IllegalArgumentException if there is no such program
   */
  public static byte[] kernel(String name) {
    return resource(name, ".elf");
  }

  private static byte[] resource(String name, String suffix) {
    try (InputStream in = Guests.class.getResourceAsStream("guests/" + name + suffix)) {
      if (in == null) {
        throw new IllegalArgumentException(
            "there is no guest program %s: testkit/guests/README.md lists them".formatted(name));
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Copies an image to a file.
   *
   * @param name of the program
   * @param folder where to
   * @return the file, called {@code NAME.hvt}, which is the caller's
   * @throws IOException if the file cannot be written
   */
  public static Path copyTo(Path folder, String name) throws IOException {
    return Files.write(folder.resolve(name + ".hvt"), image(name));
  }
}
