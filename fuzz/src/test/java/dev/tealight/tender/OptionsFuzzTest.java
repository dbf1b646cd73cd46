// SPDX-License-Identifier: ISC
package dev.tealight.tender;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.tealight.ConfigurationException;
import dev.tealight.options.DeviceOptions;
import dev.tealight.options.UsageException;
import java.nio.charset.StandardCharsets;

/** The tender's options; words are divided by zero bytes. */
class OptionsFuzzTest {
  private static final DeviceOptions DEVICES = new DeviceOptions();

  @FuzzTest(maxDuration = "10m")
  void anyWordsAreRefusedOrMakeSense(byte[] text) {
    String[] words = new String(text, StandardCharsets.UTF_8).split("\0", -1);
    RunOptions options;
    try {
      options = RunOptions.parse(words);
    } catch (UsageException e) {
      return;
    }
    if (options.memoryMib() < 1
        || options.memoryMib() << 20 >> 20 != options.memoryMib()
        || (options.deadline() != null && !options.deadline().isPositive())
        || options.guestArguments().length >= words.length) {
      throw new AssertionError(String.join(" ", words));
    }
    try {
      DEVICES.configure(options.deviceOptions());
    } catch (UsageException | ConfigurationException e) {
      return;
    }
  }
}
