// SPDX-License-Identifier: ISC
package dev.tealight.bench;

import dev.tealight.Hypervisor;
import dev.tealight.Hypervisors;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What one hypercall costs: WALLTIME, which reads a clock and writes eight bytes. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class RunLoopBenchmark {
  private static final int CALLS = 1_000_000;
  private static final int CALLS_ON_KVM = 20_000;

  /** Creates one. */
  public RunLoopBenchmark() {}

  /** The backend, opened once. */
  @State(Scope.Benchmark)
  public static class Kvm {
    final Hypervisor hypervisor = Hypervisors.open("kvm");

    /** Creates one. */
    public Kvm() {}

    /** Closes the backend. */
    @TearDown
    public void close() {
      hypervisor.close();
    }
  }

  /** The loop and the handler, without a hypervisor. */
  @Benchmark
  @OperationsPerInvocation(CALLS)
  public long dispatch() throws InterruptedException {
    return new ExitStorm(CALLS, System::nanoTime).run(new InstantHypervisor(CALLS));
  }

  /** The whole round trip from the guest to the handler and back. */
  @Benchmark
  @OperationsPerInvocation(CALLS_ON_KVM)
  public long roundTripOnKvm(Kvm kvm) throws InterruptedException {
    return new ExitStorm(CALLS_ON_KVM, System::nanoTime).run(kvm.hypervisor);
  }
}
