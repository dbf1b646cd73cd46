// SPDX-License-Identifier: ISC
package dev.tealight.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.tealight.ConfigurationException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** The guest's command line. */
class CommandLineFuzzTest {
  private static final long COMMAND_LINE = 0x100a8;

  @FuzzTest(maxDuration = "10m")
  void anyCommandLineReachesTheGuestWholeOrIsRefused(byte[] text) {
    // The first byte says how often the rest is repeated, so that long lines are cheap to find.
    int times = text.length == 0 ? 0 : text[0] & 0xff;
    String line = new String(text, StandardCharsets.UTF_8).repeat(times);
    byte[] expected = line.getBytes(StandardCharsets.UTF_8);
    Machine machine = new Machine();
    machine.arguments = Arrays.asList(line.split(" ", -1));
    try {
      machine.bootHello();
    } catch (ConfigurationException e) {
      if (expected.length < 8192 && line.indexOf(0) < 0) {
        throw e;
      }
      return;
    }
    byte[] actual = new byte[expected.length + 1];
    machine.vm().memory().copyOut(COMMAND_LINE, actual, 0, actual.length);
    if (!Arrays.equals(actual, Arrays.copyOf(expected, expected.length + 1))) {
      throw new AssertionError(List.of(line).toString());
    }
  }
}
