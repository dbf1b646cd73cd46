// SPDX-License-Identifier: ISC
package dev.tealight.internal.console;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.Console;
import dev.tealight.Image;
import dev.tealight.device.Outcome;
import dev.tealight.fake.FakeBoot;
import dev.tealight.internal.run.RunLoop;
import dev.tealight.solo5.ImageBuilder;
import dev.tealight.solo5.Solo5Hvt;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A guest's output between the guest and its sink. */
@Timeout(30)
class ConsoleQueueTest {
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  private final FakeBoot boot = new FakeBoot(4 << 20);
  private final RunLoop call = boot.loop(Solo5Hvt.open(Image.of("test", image())));

  private static byte[] image() {
    return ImageBuilder.hello().build();
  }

  private void write(ConsoleQueue queue, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    boot.vm().memory().copyIn(0, bytes, 0, bytes.length);
    assertThat(queue.write(call, 0, bytes.length)).isEqualTo(Outcome.CONTINUE);
  }

  @AfterEach
  void close() {
    boot.close();
  }

  @Test
  void sinkThatThrowsAnErrorGetsNothingMore() throws InterruptedException {
    Console console =
        Console.lines(
                line -> {
                  throw new AssertionError(line);
                })
            .patience(PATIENCE);
    try (ConsoleQueue queue = new ConsoleQueue(console, "test")) {
      write(queue, "one\n");
      queue.drain(PATIENCE);
      write(queue, "two\n");
      assertThat(queue.droppedByteCount()).isEqualTo(8);
    }
  }

  @Test
  void unfinishedLineIsHandedOverByTheConsolesOwnThread() throws InterruptedException {
    List<String> lines = new CopyOnWriteArrayList<>();
    Console console =
        Console.lines(line -> lines.add(Thread.currentThread().getName() + " " + line));
    try (ConsoleQueue queue = new ConsoleQueue(console, "test")) {
      write(queue, "one\ntwo");
      queue.drain(PATIENCE);
      assertThat(lines).containsExactly("console-test one", "console-test two");
    }
  }

  @Test
  void interruptedThreadThatClosesLosesNoOutput() {
    CountDownLatch closing = new CountDownLatch(1);
    List<String> text = new CopyOnWriteArrayList<>();
    Console console =
        Console.to(
            (bytes, offset, length) -> {
              awaitUninterruptibly(closing);
              text.add(new String(bytes, offset, length, StandardCharsets.UTF_8));
            });
    ConsoleQueue queue = new ConsoleQueue(console, "test");
    write(queue, "one\n");
    Thread closer = Thread.currentThread();
    closer.interrupt();
    // As soon as the interrupt was taken notice of, the sink goes on.
    Thread.ofPlatform()
        .start(
            () -> {
              while (closer.isInterrupted()) {
                Thread.onSpinWait();
              }
              closing.countDown();
            });
    queue.close();
    assertThat(Thread.interrupted()).isTrue();
    assertThat(text).containsExactly("one\n");
    assertThat(queue.droppedByteCount()).isZero();
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void guestsWithTheSameConsoleDoNotShareALine() throws InterruptedException {
    List<String> lines = new CopyOnWriteArrayList<>();
    Console console = Console.lines(lines::add);
    try (ConsoleQueue first = new ConsoleQueue(console, "first");
        ConsoleQueue second = new ConsoleQueue(console, "second")) {
      write(first, "a");
      write(second, "b\n");
      second.drain(PATIENCE);
      first.drain(PATIENCE);
      assertThat(lines).containsExactly("b", "a");
    }
  }

  @Test
  void outputIsDroppedIfTheHostHasNoThreadForTheConsole() {
    Console console = Console.lines(line -> {}).patience(PATIENCE);
    try (ConsoleQueue queue =
        new ConsoleQueue(
            console,
            "test",
            task -> {
              throw new OutOfMemoryError("unable to create native thread");
            })) {
      write(queue, "one\n");
      assertThat(queue.droppedByteCount()).isEqualTo(4);
    }
  }
}
