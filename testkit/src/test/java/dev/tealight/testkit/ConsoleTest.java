// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.Console;
import dev.tealight.RunHandle;
import dev.tealight.RunResult.Halted;
import dev.tealight.RunResult.Stopped;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Output of a guest on its way to sinks that are slow, stuck or broken. */
@Timeout(60)
class ConsoleTest {

  /** A guest that prints 0, 1, 2, …, each on a line, and ends. */
  private static GuestScript printing(int lines) {
    return guest ->
        guest.step() < lines ? ScriptedBoot.print(guest, guest.step() + "\n") : ScriptedBoot.end(0);
  }

  private static String numbers(int lines) {
    StringBuilder all = new StringBuilder();
    for (int i = 0; i < lines; i++) {
      all.append(i).append('\n');
    }
    return all.toString();
  }

  private static Scripted on(Console console, GuestScript script) {
    return new Scripted(script, builder -> builder.console(console));
  }

  @Test
  void allOutputIsThereWhenTheResultIs() throws InterruptedException {
    for (int capacity : new int[] {1, 2, 7, 64, Console.DEFAULT_CAPACITY}) {
      ByteArrayOutputStream stream = new ByteArrayOutputStream();
      try (Scripted scripted = on(Console.to(stream).capacity(capacity), printing(300))) {
        assertThat(scripted.monitor.run()).isEqualTo(new Halted(0));
        assertThat(stream).hasToString(numbers(300));
        assertThat(scripted.monitor.droppedConsoleByteCount()).isZero();
      }
    }
  }

  @Test
  void directSinkIsCalledByTheGuestsThread() throws InterruptedException {
    ByteArrayOutputStream stream = new ByteArrayOutputStream();
    List<Thread> writers = new ArrayList<>();
    Console console =
        Console.direct(
            (bytes, offset, length) -> {
              writers.add(Thread.currentThread());
              stream.write(bytes, offset, length);
            });
    try (Scripted scripted =
        new Scripted(printing(3), builder -> builder.console(console).executor(Runnable::run))) {
      scripted.monitor.run();
      assertThat(stream).hasToString("0\n1\n2\n");
      assertThat(writers).containsOnly(Thread.currentThread());
    }
  }

  @Test
  void linesComeWholeAndTheLastUnfinishedOneAtTheEnd() throws InterruptedException {
    List<String> lines = new ArrayList<>();
    GuestScript script =
        GuestScript.sequence(
            guest -> ScriptedBoot.print(guest, "one\r\ntw"),
            guest -> ScriptedBoot.print(guest, "o\n\nthr"),
            guest -> ScriptedBoot.print(guest, "ee"),
            guest -> ScriptedBoot.end(0));
    try (Scripted scripted = on(Console.lines(lines::add), script)) {
      scripted.monitor.run();
      assertThat(lines).containsExactly("one", "two", "", "three");
    }
    assertThat(lines).hasSize(4);
  }

  @Test
  void slowSinkSlowsTheGuestAndLosesNothing() throws InterruptedException {
    Semaphore permits = new Semaphore(0);
    ByteArrayOutputStream stream = new ByteArrayOutputStream();
    Console console =
        Console.to(
                (bytes, offset, length) -> {
                  permits.acquireUninterruptibly();
                  stream.write(bytes, offset, length);
                })
            .capacity(4)
            .patience(Duration.ofMinutes(1));
    try (Scripted scripted = on(console, printing(50))) {
      RunHandle handle = scripted.monitor.start();
      assertThat(handle.await(Duration.ofMillis(20))).isEmpty();
      permits.release(1_000_000);
      assertThat(handle.await()).isEqualTo(new Halted(0));
      assertThat(stream).hasToString(numbers(50));
      assertThat(scripted.monitor.droppedConsoleByteCount()).isZero();
    }
  }

  @Test
  void stuckSinkLosesOutputAfterThePatienceAndCountsIt() throws InterruptedException {
    CountDownLatch stuck = new CountDownLatch(1);
    Console console =
        Console.to(
                (bytes, offset, length) -> {
                  try {
                    stuck.await();
                  } catch (InterruptedException e) {
                    throw new IOException(e);
                  }
                })
            .capacity(4)
            .patience(Duration.ZERO);
    Scripted scripted = on(console, printing(100));
    assertThat(scripted.monitor.run()).isEqualTo(new Halted(0));
    assertThat(scripted.monitor.droppedConsoleByteCount())
        .isBetween(numbers(100).length() - 8L, (long) numbers(100).length());
    scripted.close();
    stuck.countDown();
  }

  @Test
  void guestThatWaitsForAStuckSinkIsStopped() throws InterruptedException {
    CountDownLatch stuck = new CountDownLatch(1);
    CountDownLatch inSink = new CountDownLatch(1);
    Console console =
        Console.to(
                (bytes, offset, length) -> {
                  inSink.countDown();
                  try {
                    stuck.await();
                  } catch (InterruptedException e) {
                    throw new IOException(e);
                  }
                })
            .capacity(1)
            .patience(Duration.ofMinutes(10));
    try (Scripted scripted = on(console, printing(100))) {
      RunHandle handle = scripted.monitor.start();
      inSink.await();
      handle.stop();
      while (handle.result().isEmpty()) {
        Thread.onSpinWait();
      }
      assertThat(handle.result()).contains(new Stopped());
      stuck.countDown();
    }
  }

  @Test
  void brokenSinkLosesAllFurtherOutputAndTheGuestGoesOn() throws InterruptedException {
    Console console =
        Console.to(
                (bytes, offset, length) -> {
                  throw new IOException("closed");
                })
            .capacity(4);
    try (Scripted scripted = on(console, printing(200))) {
      assertThat(scripted.monitor.run()).isEqualTo(new Halted(0));
      assertThat(scripted.monitor.droppedConsoleByteCount()).isEqualTo(numbers(200).length());
    }
  }

  @Test
  void brokenDirectSinkIsCountedToo() throws InterruptedException {
    Console console =
        Console.direct(
            (bytes, offset, length) -> {
              throw new IllegalStateException("closed");
            });
    try (Scripted scripted = on(console, printing(20))) {
      assertThat(scripted.monitor.run()).isEqualTo(new Halted(0));
      assertThat(scripted.monitor.droppedConsoleByteCount()).isEqualTo(numbers(20).length());
    }
  }
}
