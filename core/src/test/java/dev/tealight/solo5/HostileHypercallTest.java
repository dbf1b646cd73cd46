// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.ExitKind;
import dev.tealight.GuestMemory;
import dev.tealight.RunResult;
import dev.tealight.fake.FakeBoot;
import dev.tealight.internal.run.RunLoop;
import dev.tealight.internal.run.RunLoop.Step;
import dev.tealight.solo5.ImageBuilder.Device;
import dev.tealight.spi.BootContext.AttachedDevice;
import dev.tealight.spi.BootImage.DeclaredDevice;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

/** Hypercalls whose block is anything, or changes while it is served. */
class HostileHypercallTest {
  private static final int MEMORY = 4 << 20;
  private static final long BLOCK = 0x200000;
  private static final byte[] IMAGE = ImageBuilder.hello().devices(new Device("net", 2)).build();

  private static FakeBoot machine() {
    FakeBoot boot = new FakeBoot(MEMORY);
    boot.devices.add(
        new AttachedDevice(
            new DeclaredDevice("net", "NET_BASIC", 1),
            MemorySegment.ofArray(new byte[16]),
            List.of(() -> false),
            Optional.empty()));
    return boot.boot(IMAGE);
  }

  private static RunLoop loop(FakeBoot boot) {
    return boot.loop(ElfHeaderTest.open(IMAGE));
  }

  private static Step call(FakeBoot boot, RunLoop loop, int nr, long argument) {
    boot.vcpu().guest =
        exit -> {
          boot.vcpu().kick();
          return exit.access(ExitKind.IO_WRITE, 0x500 + nr, 4, argument & 0xffff_ffffL);
        };
    return loop.step();
  }

  @Provide
  Arbitrary<Long> values() {
    return Arbitraries.oneOf(
        Arbitraries.of(
            0L,
            1L,
            -1L,
            BLOCK,
            (long) MEMORY,
            MEMORY - 1L,
            MEMORY + 1L,
            MEMORY - 16L,
            0x100000L,
            0x100fffL,
            0x101000L,
            0xffff_ffffL,
            1L << 32,
            Long.MAX_VALUE,
            Long.MIN_VALUE,
            -512L),
        Arbitraries.longs().between(0, MEMORY),
        Arbitraries.longs());
  }

  @Property
  void anyCallWithAnyBlockIsServedOrEndsAsAResult(
      @ForAll @IntRange(min = 0, max = 10) int nr,
      @ForAll @From("values") long argument,
      @ForAll @Size(3) List<@From("values") Long> fields) {
    try (FakeBoot boot = machine()) {
      MemorySegment.copy(
          fields.stream().mapToLong(Long::longValue).toArray(),
          0,
          boot.vm().memory().unrestricted(),
          ValueLayout.JAVA_LONG_UNALIGNED,
          BLOCK,
          3);
      RunLoop loop = loop(boot);
      Step step = call(boot, loop, nr, argument);
      for (int i = 0; i < 8 && step == Step.WAITING; i++) {
        step = loop.step();
      }
      if (step == Step.ENDED) {
        assertThat(loop.result()).isInstanceOfAny(RunResult.Halted.class, RunResult.Faulted.class);
      }
    }
  }

  @Test
  void putsThatIsUnderWayGoesOnWithWhatItReadFirst() {
    try (FakeBoot boot = machine()) {
      GuestMemory memory = boot.vm().memory();
      memory.writeLong(BLOCK, 0x201000);
      memory.writeLong(BLOCK + 8, 100_000);
      memory.writeByte(0x201000 + 99_999, (byte) '!');
      boot.sink =
          (bytes, offset, length) -> {
            boot.output.write(bytes, offset, length);
            memory.writeLong(BLOCK, -1);
            memory.writeLong(BLOCK + 8, -1);
          };

      assertThat(call(boot, loop(boot), 2, BLOCK)).isEqualTo(Step.READY);
      assertThat(boot.output.size()).isEqualTo(100_000);
      assertThat(boot.output.toByteArray()[99_999]).isEqualTo((byte) '!');
    }
  }

  @Test
  void blockThatChangesAllTheTimeIsServedOrEndsAsAResult() throws InterruptedException {
    try (FakeBoot boot = machine()) {
      GuestMemory memory = boot.vm().memory();
      AtomicBoolean stop = new AtomicBoolean();
      Thread guest =
          Thread.ofPlatform()
              .start(
                  () -> {
                    long[] pointers = {0x201000, MEMORY - 8, MEMORY, -1};
                    long[] lengths = {16, 0, -1, Long.MAX_VALUE};
                    for (int i = 0; !stop.get(); i++) {
                      memory.writeLong(BLOCK, pointers[i % pointers.length]);
                      memory.writeLong(BLOCK + 8, lengths[i / 3 % lengths.length]);
                    }
                  });
      try {
        // A call that lets an unchecked value through would throw something else here.
        for (int i = 0; i < 20_000; i++) {
          RunLoop loop = loop(boot);
          boot.output.reset();
          if (call(boot, loop, i % 2 == 0 ? 2 : 8, BLOCK) == Step.ENDED) {
            assertThat(loop.result())
                .isInstanceOfAny(RunResult.Halted.class, RunResult.Faulted.class);
          }
          assertThat(boot.output.size()).isIn(0, 16);
        }
      } finally {
        stop.set(true);
        guest.join();
      }
    }
  }
}
