// SPDX-License-Identifier: ISC
package dev.tealight.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** From nothing to a guest that has run and is gone, in a warm JVM. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
@State(Scope.Benchmark)
public class MonitorBenchmark {
  private final WarmHello hello;
  private final WarmHello halt;

  /** Opens the backend. */
  public MonitorBenchmark() {
    Path guests = Path.of(System.getProperty("tealight.bench.guests"));
    hello = new WarmHello(guests.resolve("hello.hvt"));
    halt = new WarmHello(guests.resolve("halt.hvt"));
  }

  /** Closes the backend. */
  @TearDown
  public void close() throws IOException {
    hello.close();
    halt.close();
  }

  /** The hello image, which prints. */
  @Benchmark
  public double hello() {
    return hello.wallMillis();
  }

  /** A guest whose only exit is its end. */
  @Benchmark
  public double createToExit() {
    return halt.wallMillis();
  }
}
