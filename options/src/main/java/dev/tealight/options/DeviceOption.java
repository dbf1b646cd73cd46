// SPDX-License-Identifier: ISC
package dev.tealight.options;

/**
 * An option for a device, {@code --option:device=value}, not yet compared with what there is.
 *
 * @param option for instance {@code block}
 * @param device 1 to 67 letters and digits
 * @param value as it was given
 */
public record DeviceOption(String option, String device, String value) {
  private static final int MAX_NAME_LENGTH = 67;

  /**
   * Reads a word of a command line.
   *
   * @param word all of it
   * @return what it says
   * @throws UsageException if it does not have the form of an option for a device; names it
   */
  public static DeviceOption parse(String word) throws UsageException {
    int end = word.indexOf('=');
    String name = end < 0 ? word : word.substring(0, end);
    int colon = name.indexOf(':');
    if (!name.startsWith("--") || colon < 0) {
      throw new UsageException("invalid option: " + word);
    }
    String device = name.substring(colon + 1);
    if (end < 0 || !isDeviceName(device)) {
      throw new UsageException(
          "invalid option: %s: expected %s:NAME=VALUE with 1 to %d letters and digits as NAME"
              .formatted(word, name.substring(0, colon), MAX_NAME_LENGTH));
    }
    return new DeviceOption(name.substring(2, colon), device, word.substring(end + 1));
  }

  private static boolean isDeviceName(String name) {
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z')) {
        return false;
      }
    }
    return !name.isEmpty() && name.length() <= MAX_NAME_LENGTH;
  }

  /** {@return the word it was read from} */
  @Override
  public String toString() {
    return "--%s:%s=%s".formatted(option, device, value);
  }
}
