// SPDX-License-Identifier: ISC
package dev.tealight.bench;

import dev.tealight.Console;
import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;
import dev.tealight.Monitor;
import dev.tealight.RunResult;
import dev.tealight.ffi.kvm.KvmOptions;
import dev.tealight.ffi.kvm.KvmOptions.Ring3Policy;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/**
 * Runs of the hello unikernel in this JVM, each from reading the image's file to the last thing
 * freed. The console writes to the null device.
 */
final class WarmHello implements AutoCloseable {
  /** What the hello image wants to be told. */
  static final String ARGUMENT = "Hello_Solo5";

  /** Guests start at the level at which the peer starts them. */
  static final KvmOptions OPTIONS = KvmOptions.DEFAULT.withRing3(Ring3Policy.NEVER);

  private final Path image;
  private final Hypervisor hypervisor;
  private final AtomicLong nanosInside = new AtomicLong();
  private final Hypervisor timed;
  private final OutputStream nowhere;
  private final Console console;

  /** With the default console, which has a queue and a thread. */
  WarmHello(Path image) {
    this(image, OPTIONS, Console::to);
  }

  /**
   * With options and a console of the caller's choice.
   *
   * @param console makes it out of the sink
   */
  WarmHello(Path image, KvmOptions options, Function<Console.Sink, Console> console) {
    this.image = image;
    hypervisor = Hypervisors.open(options);
    timed = new TimedHypervisor(hypervisor, nanosInside);
    try {
      nowhere = Files.newOutputStream(Path.of("/dev/null"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    this.console = console.apply(nowhere::write);
  }

  /** Runs until the compilers have little left to do. */
  void warmUp(int runs) {
    for (int i = 0; i < runs; i++) {
      run(timed);
      run(hypervisor);
    }
  }

  /** {@return the milliseconds of one run that are spent outside of {@code KVM_RUN}} */
  double outsideMillis() {
    nanosInside.set(0);
    long begin = System.nanoTime();
    run(timed);
    return (System.nanoTime() - begin - nanosInside.get()) / 1e6;
  }

  /** {@return the milliseconds of one run} */
  double wallMillis() {
    long begin = System.nanoTime();
    run(hypervisor);
    return (System.nanoTime() - begin) / 1e6;
  }

  /** {@return how many runs per second some threads make} */
  double perSecond(int workers, int seconds) throws InterruptedException {
    long begin = System.nanoTime();
    long end = begin + seconds * 1_000_000_000L;
    AtomicLong count = new AtomicLong();
    CountDownLatch done = new CountDownLatch(workers);
    for (int i = 0; i < workers; i++) {
      Thread.ofPlatform()
          .start(
              () -> {
                do {
                  run(hypervisor);
                  count.incrementAndGet();
                } while (System.nanoTime() < end);
                done.countDown();
              });
    }
    done.await();
    return count.get() * 1e9 / (System.nanoTime() - begin);
  }

  private void run(Hypervisor on) {
    try (Monitor monitor =
        Monitor.builder()
            .image(image)
            .arguments(ARGUMENT)
            .console(console)
            .hypervisor(on)
            .build()) {
      RunResult result = monitor.run();
      if (!(result instanceof RunResult.Halted(int status, long _, var _)) || status != 0) {
        throw new IllegalStateException("%s ended with %s".formatted(image, result));
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() throws IOException {
    hypervisor.close();
    nowhere.close();
  }
}
