// SPDX-License-Identifier: ISC
package dev.tealight.bench;

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

/**
 * Runs of the hello unikernel in this JVM, each from reading the image's file to the last thing
 * freed. The console is the default one, with its thread, and writes to the null device.
 */
final class WarmHello implements AutoCloseable {
  /** What the hello image wants to be told. */
  static final String ARGUMENT = "Hello_Solo5";

  private final Path image;

  /** Guests start at the level at which the peer starts them. */
  private final Hypervisor hypervisor =
      Hypervisors.open(KvmOptions.DEFAULT.withRing3(Ring3Policy.NEVER));

  private final AtomicLong nanosInside = new AtomicLong();
  private final Hypervisor timed = new TimedHypervisor(hypervisor, nanosInside);
  private final OutputStream nowhere;

  WarmHello(Path image) {
    this.image = image;
    try {
      nowhere = Files.newOutputStream(Path.of("/dev/null"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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
            .console(nowhere)
            .hypervisor(on)
            .build()) {
      RunResult result = monitor.run();
      if (!(result instanceof RunResult.Halted(int status, long _)) || status != 0) {
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
