// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.HostCallException;
import dev.tealight.ReadinessSource;
import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A timer's thread. */
@Timeout(30)
class AlarmTest {

  /** A host that cannot wait. */
  private record Broken(HostCallException failure) implements Waiter {
    @Override
    public void await(TimeSource time, long deadlineNanos, List<ReadinessSource> sources) {
      throw failure;
    }

    @Override
    public void wake() {}

    @Override
    public void close() {}
  }

  @Test
  void alarmThatCannotWaitSaysSo() throws Exception {
    HostCallException failure = new HostCallException("ppoll", 12, "ENOMEM", "");
    CompletableFuture<Throwable> told = new CompletableFuture<>();
    Runnable ring = () -> {};
    try (Alarm alarm =
        new Alarm(new Broken(failure), TimeSource.system(), ring, told::complete, "alarm-test")) {
      alarm.set(Long.MAX_VALUE - 1);
      assertThat(told.get(20, TimeUnit.SECONDS)).isSameAs(failure);
    }
  }
}
