// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import dev.tealight.ffi.kvm.KvmOptions.Ring3Policy;
import dev.tealight.options.DeviceOption;
import dev.tealight.options.UsageException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The command line of {@code run}: that of Solo5's tender, with options of our own.
 *
 * <p>Options come first, as single words {@code --name=value}. The first word without a dash, or
 * the one after {@code --}, is the image; everything behind it belongs to the guest. Written by
 * hand because a library that parses arguments would take longer to load than the guest to run.
 */
final class RunOptions {

  /** What is to be done. */
  enum Action {
    RUN,
    HELP,
    VERSION
  }

  /** The memory of a guest unless {@code --mem} is given, in MiB. */
  static final long DEFAULT_MEMORY_MIB = 512;

  private static final int MAX_SEED_DIGITS = 18;

  private Action action = Action.RUN;
  private long memoryMib = DEFAULT_MEMORY_MIB;
  private @Nullable String backend;
  private @Nullable Ring3Policy ring3;
  private @Nullable Long seed;
  private @Nullable Duration deadline;
  private boolean netRing = true;
  private boolean verbose;
  private boolean confined = true;
  private final List<DeviceOption> deviceOptions = new ArrayList<>();
  private @Nullable String image;
  private String[] guestArguments = {};

  private RunOptions() {}

  /**
   * Reads the words behind {@code run}.
   *
   * @param words of the command line
   * @return what they say
   * @throws UsageException if they cannot be understood; names the word
   */
  static RunOptions parse(String... words) throws UsageException {
    RunOptions options = new RunOptions();
    int i = 0;
    while (i < words.length && words[i].startsWith("-") && options.action == Action.RUN) {
      if (words[i].equals("--")) {
        i++;
        break;
      }
      options.option(words[i]);
      i++;
    }
    if (options.ring3 != null) {
      options.requireBackend("--ring3", "kvm");
    }
    if (options.seed != null) {
      options.requireBackend("--virtual-time", "softcpu");
    }
    if (i < words.length) {
      options.image = words[i];
      options.guestArguments = Arrays.copyOfRange(words, i + 1, words.length);
    }
    return options;
  }

  private void requireBackend(String option, String only) throws UsageException {
    if (backend != null && !backend.equals(only)) {
      throw new UsageException(
          "option %s is for the backend %s, not for %s".formatted(option, only, backend));
    }
    backend = only;
  }

  private void option(String word) throws UsageException {
    int end = word.indexOf('=');
    String name = end < 0 ? word : word.substring(0, end);
    String value = end < 0 ? null : word.substring(end + 1);
    switch (name) {
      case "--help", "-h" -> action = Action.HELP;
      case "--version" -> action = Action.VERSION;
      case "-v", "--verbose" -> verbose = true;
      case "--no-seccomp" -> confined = false;
      case "--mem" -> memoryMib = mebibytes(required(name, value));
      case "--backend" -> backend = required(name, value);
      case "--ring3" -> ring3 = policy(required(name, value));
      case "--virtual-time" -> seed = value == null ? 0 : seed(value);
      case "--net-ring" -> netRing = isOn(name, required(name, value));
      case "--deadline" -> deadline = seconds(required(name, value));
      case "--gdb", "--gdb-port" ->
          throw new UsageException(name + " is not offered: Tealight has no debugger stub");
      case "--dumpcore" ->
          throw new UsageException(name + " is not offered: Tealight writes no core files");
      default -> deviceOptions.add(DeviceOption.parse(word));
    }
  }

  private static String required(String name, @Nullable String value) throws UsageException {
    if (value == null || value.isEmpty()) {
      throw new UsageException("option %s needs a value: %s=VALUE".formatted(name, name));
    }
    return value;
  }

  /** As Solo5's tender reads it: the digits in front count, whatever follows them does not. */
  private static long mebibytes(String value) throws UsageException {
    int digits = 0;
    while (digits < value.length() && isDigit(value.charAt(digits))) {
      digits++;
    }
    // More digits than fit are more memory than there can be, which the image's format refuses.
    long mib = digits > 12 ? Long.MAX_VALUE >>> 20 : parse(value.substring(0, digits));
    if (mib <= 0) {
      throw new UsageException(
          "option --mem=%s: give the memory of the guest in MiB, for instance --mem=512"
              .formatted(value));
    }
    return mib;
  }

  private static long parse(String digits) {
    return digits.isEmpty() ? 0 : Long.parseLong(digits);
  }

  private static Ring3Policy policy(String value) throws UsageException {
    return switch (value) {
      case "auto" -> Ring3Policy.AUTO;
      case "never" -> Ring3Policy.NEVER;
      case "always" -> Ring3Policy.ALWAYS;
      default ->
          throw new UsageException(
              "option --ring3=%s: give auto, never or always".formatted(value));
    };
  }

  private static long seed(String value) throws UsageException {
    if (!isNumber(value) || value.length() > MAX_SEED_DIGITS) {
      throw new UsageException(
          "option --virtual-time=%s: give a number of at most %d digits as seed"
              .formatted(value, MAX_SEED_DIGITS));
    }
    return Long.parseLong(value);
  }

  private static boolean isOn(String name, String value) throws UsageException {
    return switch (value) {
      case "on" -> true;
      case "off" -> false;
      default -> throw new UsageException("option %s=%s: give on or off".formatted(name, value));
    };
  }

  private static Duration seconds(String value) throws UsageException {
    int point = value.indexOf('.');
    String whole = point < 0 ? value : value.substring(0, point);
    String fraction = point < 0 ? "" : value.substring(point + 1);
    boolean wellFormed =
        isNumber(whole) && whole.length() <= 9 && (point < 0 || isNumber(fraction));
    Duration duration = Duration.ZERO;
    if (wellFormed) {
      String nanos = (fraction + "000000000").substring(0, 9);
      duration = Duration.ofSeconds(Long.parseLong(whole), Long.parseLong(nanos));
    }
    if (duration.isZero()) {
      throw new UsageException(
          "option --deadline=%s: give seconds above 0, for instance --deadline=2.5"
              .formatted(value));
    }
    return duration;
  }

  private static boolean isNumber(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (!isDigit(text.charAt(i))) {
        return false;
      }
    }
    return !text.isEmpty();
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  Action action() {
    return action;
  }

  /** {@return the size of guest memory in MiB, at least 1} */
  long memoryMib() {
    return memoryMib;
  }

  /** {@return the backend's name, or null for the first that is available} */
  @Nullable String backend() {
    return backend;
  }

  /** {@return when KVM's guests start at privilege level 3, or null if nothing was said} */
  @Nullable Ring3Policy ring3() {
    return ring3;
  }

  /** {@return the seed of a run in virtual time, or null for the host's time} */
  @Nullable Long seed() {
    return seed;
  }

  /** {@return how long the guest may run, or null for ever} */
  @Nullable Duration deadline() {
    return deadline;
  }

  /** {@return whether guests with network devices are offered Solo5's shared ring} */
  boolean hasNetRing() {
    return netRing;
  }

  boolean isVerbose() {
    return verbose;
  }

  /** {@return whether the process gives up what the guest's run does not need} */
  boolean isConfined() {
    return confined;
  }

  List<DeviceOption> deviceOptions() {
    return deviceOptions;
  }

  /** {@return the file of the image, or null if there was none} */
  @Nullable String image() {
    return image;
  }

  /** {@return the words for the guest} */
  String[] guestArguments() {
    return guestArguments;
  }
}
