// SPDX-License-Identifier: ISC
package dev.tealight.ffi.posix;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** The numbers in the filter. */
class SyscallFilterTest {
  private static final Path HEADER = Path.of("/usr/include/x86_64-linux-gnu/asm/unistd_64.h");

  @Test
  void noCallIsNamedTwice() {
    Map<Integer, String> names = new HashMap<>();
    for (SyscallFilter.Allowed call : SyscallFilter.Allowed.values()) {
      assertThat(names.put(call.number, call.name())).as(call.name()).isNull();
    }
    assertThat(names).doesNotContainKeys(SyscallFilter.OPENAT, SyscallFilter.TGKILL);
  }

  @Test
  void numbersMatchTheKernelHeader() throws IOException {
    if (!Files.exists(HEADER)) {
      System.out.println("numbersMatchTheKernelHeader is skipped: there is no " + HEADER);
    }
    Assumptions.assumeTrue(Files.exists(HEADER), "there is no " + HEADER);
    Map<String, Integer> header = new TreeMap<>();
    for (String line : Files.readAllLines(HEADER)) {
      String[] words = line.split("\\s+", -1);
      if (words.length == 3 && words[1].startsWith("__NR_")) {
        header.put(words[1].substring("__NR_".length()), Integer.valueOf(words[2]));
      }
    }
    for (SyscallFilter.Allowed call : SyscallFilter.Allowed.values()) {
      assertThat(header).containsEntry(call.name().toLowerCase(Locale.ROOT), call.number);
    }
    assertThat(header)
        .containsEntry("openat", SyscallFilter.OPENAT)
        .containsEntry("tgkill", SyscallFilter.TGKILL)
        .containsEntry("seccomp", LinuxHostCalls.SYS_SECCOMP);
  }
}
