// SPDX-License-Identifier: ISC
package dev.tealight.options;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The command line of a monitor with devices. Words in front that have the form {@code
 * --option:device=value} are for its devices; the others, and all behind {@code --}, are the
 * guest's.
 *
 * @param devices the options for devices, defaults first
 * @param guest the words for the guest
 */
record MonitorWords(List<DeviceOption> devices, List<String> guest) {

  /**
   * Reads it.
   *
   * @param defaults options for devices, which those among the words replace one by one
   * @param words of the command line
   * @throws UsageException if an option cannot be understood; names it
   */
  static MonitorWords read(List<String> defaults, String... words) throws UsageException {
    Map<String, DeviceOption> replaceable = new LinkedHashMap<>();
    for (String word : defaults) {
      DeviceOption option = DeviceOption.parse(word);
      replaceable.put(key(option), option);
    }
    List<DeviceOption> given = new ArrayList<>();
    int i = 0;
    while (i < words.length && isForDevice(words[i])) {
      DeviceOption option = DeviceOption.parse(words[i]);
      replaceable.remove(key(option));
      given.add(option);
      i++;
    }
    if (i < words.length && words[i].equals("--")) {
      i++;
    }
    given.addAll(0, replaceable.values());
    return new MonitorWords(given, Arrays.asList(words).subList(i, words.length));
  }

  private static String key(DeviceOption option) {
    return option.option() + ':' + option.device();
  }

  /** As {@link DeviceOption#parse} wants it, roughly: a guest's options have no colon there. */
  private static boolean isForDevice(String word) {
    int colon = word.indexOf(':');
    return word.startsWith("--") && colon > 2 && colon < word.indexOf('=');
  }
}
