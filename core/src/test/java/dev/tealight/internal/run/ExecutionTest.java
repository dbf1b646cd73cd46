// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.ExitKind;
import dev.tealight.Image;
import dev.tealight.RunResult;
import dev.tealight.fake.FakeBoot;
import dev.tealight.solo5.ImageBuilder;
import dev.tealight.solo5.Solo5Hvt;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A run on its thread. */
class ExecutionTest {

  @Test
  @Timeout(60)
  void limitAndTimeoutBeyondWhatNanosecondsCanCountAreNoLimit() throws InterruptedException {
    byte[] image = ImageBuilder.hello().build();
    try (FakeBoot boot = new FakeBoot(4 << 20).boot(image)) {
      boot.vcpu().guest = exit -> exit.access(ExitKind.IO_WRITE, 0x508, 4, 0x200000);
      Execution execution =
          Execution.start(
              boot.loop(Solo5Hvt.open(Image.of("test", image))),
              Runnable::run,
              Duration.ofSeconds(Long.MAX_VALUE),
              deadline -> {},
              result -> {},
              timeout -> {});

      assertThat(execution.await(Duration.ofSeconds(Long.MAX_VALUE)))
          .contains(new RunResult.Halted(0));
    }
  }
}
