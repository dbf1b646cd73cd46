// SPDX-License-Identifier: ISC
package dev.tealight.bench;

import dev.tealight.GuestMemory;
import dev.tealight.Protection;
import dev.tealight.Region;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
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

/** Accesses on the guest's behalf, with the checks that each of them makes. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
@State(Scope.Benchmark)
public class GuestMemoryBenchmark {
  private static final int PACKET_BYTE_SIZE = 1_514;
  private static final long BYTE_SIZE = 16 << 20;

  private final Arena arena = Arena.ofShared();
  private final GuestMemory memory = GuestMemory.over(arena.allocate(BYTE_SIZE));
  private final byte[] packet = new byte[PACKET_BYTE_SIZE];
  private long gpa = 8 << 20;

  /** Protects the memory as that of a guest with an image is. */
  public GuestMemoryBenchmark() {
    memory.restrict(
        List.of(
            new Region(0, 0x10_0000, Protection.READ_ONLY),
            new Region(0x10_0000, 0x4000, Protection.READ_EXECUTE),
            new Region(0x10_4000, 0x2000, Protection.READ_ONLY)));
  }

  /** Frees the memory. */
  @TearDown
  public void close() {
    arena.close();
  }

  /** A field of an argument block. */
  @Benchmark
  public long readLong() {
    return memory.readLong(gpa);
  }

  /** A result. */
  @Benchmark
  public void writeLong() {
    memory.writeLong(gpa, gpa);
  }

  /** A packet or a line of text, to the host. */
  @Benchmark
  public byte[] copyOut() {
    memory.copyOut(gpa, packet, 0, PACKET_BYTE_SIZE);
    return packet;
  }

  /** A packet, to the guest. */
  @Benchmark
  public void copyIn() {
    memory.copyIn(gpa, packet, 0, PACKET_BYTE_SIZE);
  }

  /** A view for a host call. */
  @Benchmark
  public MemorySegment slice() {
    return memory.slice(gpa, PACKET_BYTE_SIZE);
  }
}
