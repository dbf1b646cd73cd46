// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Leaks are found, and only leaks. */
class HostResourcesTest {

  @BeforeEach
  void needsAHostThatTells() {
    assumeTrue(HostResources.isKnown(), "this host does not tell what a process holds");
  }

  @Test
  void descriptorLeftInEachRoundIsFound() throws IOException {
    List<FileChannel> left = new ArrayList<>();
    try {
      assertThatThrownBy(() -> HostResources.assertNothingLeftBy(2, 20, () -> left.add(open())))
          .isInstanceOf(AssertionError.class)
          .hasMessageStartingWith("20 rounds left something behind: before HostResources[");
    } finally {
      for (FileChannel channel : left) {
        channel.close();
      }
    }
  }

  @Test
  void roundsThatCloseWhatTheyOpenLeaveNothing() {
    HostResources.assertNothingLeftBy(
        2,
        20,
        () -> {
          try {
            open().close();
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private static FileChannel open() {
    try {
      return FileChannel.open(Path.of("pom.xml"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
