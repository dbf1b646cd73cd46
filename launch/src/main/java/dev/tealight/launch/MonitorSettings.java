// SPDX-License-Identifier: ISC
package dev.tealight.launch;

import dev.tealight.ConfigurationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32;

/**
 * What a built monitor was told: a file of lines {@code key=value} beside the image. Its form is
 * nobody else's: who wants to change something builds the monitor again.
 *
 * @param name of the unikernel, and of the launcher
 * @param image name of the image's file
 * @param imageChecksum CRC-32 of the image. It finds an image that was replaced or damaged, in a
 *     tenth of the time that a cryptographic digest would take at each start; it does not keep out
 *     anybody, since who can write the image can write the runtime beside it
 * @param imageDigest SHA-256 of the image, in hex, for people and for tools
 * @param backends names of those inside, in the order in which they were asked for
 * @param ring3 when KVM's guests start at privilege level 3: {@code auto}, {@code never}, {@code
 *     always}, or empty for the default
 * @param memoryMib size of guest memory in MiB
 * @param deadline how long the guest may run, or empty for ever
 * @param confined whether the process gives up what the guest's run does not need
 * @param deviceOptions {@code --option:device=value} words for devices
 * @param arguments of the guest, if the command line has none
 */
public record MonitorSettings(
    String name,
    String image,
    long imageChecksum,
    String imageDigest,
    List<String> backends,
    String ring3,
    long memoryMib,
    Optional<Duration> deadline,
    boolean confined,
    List<String> deviceOptions,
    List<String> arguments) {

  /** The file's name. */
  public static final String FILE = "monitor.settings";

  /** Makes the lists immutable. */
  public MonitorSettings {
    backends = List.copyOf(backends);
    deviceOptions = List.copyOf(deviceOptions);
    arguments = List.copyOf(arguments);
  }

  /**
   * {@return the checksum of an image}
   *
   * @param image all of it
   */
  public static long checksum(byte[] image) {
    CRC32 checksum = new CRC32();
    checksum.update(image);
    return checksum.getValue();
  }

  /** {@return the text of the file} */
  public String toText() {
    StringBuilder text = new StringBuilder();
    line(text, "name", name);
    line(text, "image", image);
    line(text, "image.crc32", Long.toHexString(imageChecksum));
    line(text, "image.sha256", imageDigest);
    backends.forEach(backend -> line(text, "backend", backend));
    line(text, "ring3", ring3);
    line(text, "memory.mib", Long.toString(memoryMib));
    line(text, "deadline.ns", Long.toString(deadline.map(Duration::toNanos).orElse(0L)));
    line(text, "confined", Boolean.toString(confined));
    deviceOptions.forEach(option -> line(text, "device", option));
    arguments.forEach(argument -> line(text, "argument", argument));
    return text.toString();
  }

  private static void line(StringBuilder text, String key, String value) {
    text.append(key).append('=');
    text.append(value.replace("\\", "\\\\").replace("\n", "\\n")).append('\n');
  }

  /**
   * Reads the file of a folder.
   *
   * @param folder of a built monitor
   * @return what it says
   * @throws ConfigurationException if there is none, or it is damaged; names the file
   */
  public static MonitorSettings read(Path folder) {
    Path file = folder.resolve(FILE);
    try {
      return parse(Files.readString(file));
    } catch (IOException | IllegalArgumentException e) {
      throw new ConfigurationException(
          "%s cannot be read: %s; build the monitor again".formatted(file, e), e);
    }
  }

  /** Without switch over strings, streams and the like: each costs a start a millisecond. */
  static MonitorSettings parse(String text) {
    Lines lines = new Lines(text);
    return new MonitorSettings(
        lines.one("name"),
        lines.one("image"),
        Long.parseLong(lines.one("image.crc32"), 16),
        lines.one("image.sha256"),
        lines.all("backend"),
        lines.one("ring3"),
        Long.parseLong(lines.one("memory.mib")),
        duration(Long.parseLong(lines.one("deadline.ns"))),
        Boolean.parseBoolean(lines.one("confined")),
        lines.all("device"),
        lines.all("argument"));
  }

  private static Optional<Duration> duration(long nanos) {
    return nanos == 0 ? Optional.empty() : Optional.of(Duration.ofNanos(nanos));
  }

  /** The lines of the file. */
  private static final class Lines {
    private final List<String> keys = new ArrayList<>();
    private final List<String> values = new ArrayList<>();

    Lines(String text) {
      int at = 0;
      while (at < text.length()) {
        int end = text.indexOf('\n', at);
        int equals = text.indexOf('=', at);
        if (end < 0 || equals < 0 || equals > end) {
          throw new IllegalArgumentException("no line key=value at character " + at);
        }
        keys.add(text.substring(at, equals));
        values.add(unescape(text.substring(equals + 1, end)));
        at = end + 1;
      }
    }

    private static String unescape(String value) {
      if (value.indexOf('\\') < 0) {
        return value;
      }
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < value.length(); i++) {
        char c = value.charAt(i);
        if (c == '\\' && i + 1 < value.length()) {
          i++;
          c = value.charAt(i) == 'n' ? '\n' : value.charAt(i);
        }
        text.append(c);
      }
      return text.toString();
    }

    String one(String key) {
      int at = keys.indexOf(key);
      if (at < 0) {
        throw new IllegalArgumentException("it has no " + key);
      }
      return values.get(at);
    }

    List<String> all(String key) {
      List<String> all = new ArrayList<>();
      for (int i = 0; i < keys.size(); i++) {
        if (keys.get(i).equals(key)) {
          all.add(values.get(i));
        }
      }
      return all;
    }
  }
}
