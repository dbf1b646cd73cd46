// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.differential;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class ShrinkerTest {
  private static TestCase fourIncrements() {
    TestCase test = new TestCase();
    for (int register = 0; register < 4; register++) {
      test.beginInstruction();
      test.emit(0xFF, 0xC0 + register);
      test.endInstruction();
    }
    test.finish();
    return test;
  }

  @Test
  void instructionsThatTheFailureDoesNotNeedBecomeNops() throws IOException {
    TestCase shrunk =
        Shrinker.shrink(
            fourIncrements(), test -> test.code().contains("ffc1") && test.code().contains("ffc3"));
    assertThat(shrunk.code()).isEqualTo("9090ffc19090ffc3");
  }

  @Test
  void caseThatOnlyFailsAsAWholeStaysWhole() throws IOException {
    TestCase whole = fourIncrements();
    TestCase shrunk = Shrinker.shrink(whole, test -> test.code().equals(whole.code()));
    assertThat(shrunk.code()).isEqualTo("ffc0ffc1ffc2ffc3");
  }
}
