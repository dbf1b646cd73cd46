// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.StructLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Facts about a foreign interface, taken from its header: numbers by name, {@code sizeof STRUCT}
 * and {@code STRUCT.FIELD} for offsets. A backend holds its constants and layouts against a file of
 * them, and that file against the headers of the host.
 *
 * @param values by name
 */
public record AbiFacts(Map<String, Long> values) {
  private static final Pattern FACT = Pattern.compile("\"([^\"]+)\": (-?\\d+)");

  /** Copies the values. */
  public AbiFacts {
    values = Map.copyOf(values);
  }

  /**
   * Reads a file of facts: one JSON object of numbers; its text members say where they are from.
   *
   * @param json the file, closed when it returns
   * @return the facts
   * @throws IOException if it cannot be read
   */
  public static AbiFacts read(InputStream json) throws IOException {
    return parse(text(json));
  }

  /**
   * Takes the facts from the headers of this host.
   *
   * @param program in C, prints the file; closed when it returns
   * @return the facts
   * @throws IOException if there is no C compiler called {@code cc}, or the program or the headers
   *     do not suit it; gives its messages
   */
  public static AbiFacts fromHeaders(InputStream program) throws IOException {
    Path folder = Files.createTempDirectory("facts");
    Path source = folder.resolve("facts.c");
    Path executable = folder.resolve("facts");
    try {
      Files.writeString(source, text(program));
      run("cc", "-o", executable.toString(), source.toString());
      return parse(run(executable.toString()));
    } finally {
      Files.deleteIfExists(source);
      Files.deleteIfExists(executable);
      Files.delete(folder);
    }
  }

  private static String text(InputStream in) throws IOException {
    try (in) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static String run(String... command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (process.waitFor() != 0) {
        throw new IOException("%s failed: %s".formatted(command[0], output));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
    return output;
  }

  private static AbiFacts parse(String json) {
    Map<String, Long> values = new LinkedHashMap<>();
    Matcher matcher = FACT.matcher(json);
    while (matcher.find()) {
      values.put(matcher.group(1), Long.valueOf(matcher.group(2)));
    }
    return new AbiFacts(values);
  }

  /**
   * {@return a fact}
   *
   * @param name as in the file
   * @throws AssertionError if it is not there
   */
  public long value(String name) {
    Long value = values.get(name);
    if (value == null) {
      throw new AssertionError("no fact about " + name);
    }
    return value;
  }

  /**
   * Checks a number.
   *
   * @param name of the fact
   * @param actual what is to equal it
   * @throws AssertionError if it does not
   */
  public void check(String name, long actual) {
    if (value(name) != actual) {
      throw new AssertionError("%s is %d, not %d".formatted(name, value(name), actual));
    }
  }

  /**
   * Checks the offset of every named member of a structure.
   *
   * @param layout named as in the header
   * @throws AssertionError if one differs
   */
  public void checkOffsets(StructLayout layout) {
    for (MemoryLayout member : layout.memberLayouts()) {
      if (!(member instanceof PaddingLayout)) {
        String field = member.name().orElseThrow();
        check(
            layout.name().orElseThrow() + "." + field,
            layout.byteOffset(PathElement.groupElement(field)));
      }
    }
  }

  /**
   * Checks the size of a structure and the offset of every named member.
   *
   * @param layout named as in the header
   * @throws AssertionError if one differs
   */
  public void checkLayout(StructLayout layout) {
    check("sizeof " + layout.name().orElseThrow(), layout.byteSize());
    checkOffsets(layout);
  }
}
