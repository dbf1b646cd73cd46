// SPDX-License-Identifier: ISC

package dev.tealight.testkit.contract;

import dev.tealight.testkit.GuestScript;
import java.util.HexFormat;
import java.util.stream.Collectors;

/**
 * A guest of a few instructions for {@link dev.tealight.testkit.X86LongMode}, with the script that
 * does the same on a mock.
 *
 * @param listing on each line the bytes of an instruction in hex, then {@code #} and the
 *     instruction for people
 * @param equivalent what they do
 */
record MachineCode(String listing, GuestScript equivalent) {

  /** {@return the instructions} */
  byte[] bytes() {
    String hex =
        listing
            .lines()
            .map(line -> line.substring(0, line.indexOf('#')).replace(" ", ""))
            .collect(Collectors.joining());
    return HexFormat.of().parseHex(hex);
  }
}
