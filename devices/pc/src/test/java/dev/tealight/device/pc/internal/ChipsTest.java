// SPDX-License-Identifier: ISC
package dev.tealight.device.pc.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Interrupt controller, timer and clock, register by register. */
class ChipsTest {
  private static final long SECOND = 1_000_000_000;

  /** A clock that stands until it is set. */
  private static final class Clock implements TimeSource {
    private long nanos;
    private LocalDateTime date = LocalDateTime.of(2031, 12, 9, 23, 58, 7);

    @Override
    public long monotonicNanos() {
      return nanos;
    }

    @Override
    public long wallClockNanos() {
      return date.toEpochSecond(ZoneOffset.UTC) * SECOND + 999_999_999;
    }
  }

  private final Clock clock = new Clock();
  private final InterruptController interrupts = new InterruptController();

  private void initialize() {
    for (int port : new int[] {0x20, 0xa0}) {
      interrupts.write(port, 0x11);
      interrupts.write(port + 1, port == 0x20 ? 0x20 : 0x28);
      interrupts.write(port + 1, port == 0x20 ? 4 : 2);
      interrupts.write(port + 1, 1);
      interrupts.write(port + 1, 0);
    }
  }

  @Test
  void onlyTheCascadeIsOpenAtFirst() {
    assertThat(interrupts.read(0x21)).isEqualTo(0xfb);
    assertThat(interrupts.read(0xa1)).isEqualTo(0xff);
    interrupts.pulse(0);
    assertThat(interrupts.isPending()).isFalse();
  }

  @Test
  void theMostUrgentLineComesFirstAndHoldsTheOthersUp() {
    initialize();
    interrupts.pulse(4);
    interrupts.pulse(1);
    assertThat(interrupts.acknowledge()).isEqualTo(0x21);
    assertThat(interrupts.isPending()).isFalse();
    interrupts.pulse(0);
    assertThat(interrupts.acknowledge()).isEqualTo(0x20);
    interrupts.write(0x20, 0x20);
    interrupts.write(0x20, 0x20);
    assertThat(interrupts.acknowledge()).isEqualTo(0x24);
  }

  @Test
  void lineOfTheSecondChipWantsTwoEndsOfInterrupt() {
    initialize();
    interrupts.pulse(10);
    assertThat(interrupts.acknowledge()).isEqualTo(0x2a);
    interrupts.pulse(11);
    interrupts.write(0x20, 0x20);
    assertThat(interrupts.isPending()).isFalse();
    interrupts.write(0xa0, 0x20);
    assertThat(interrupts.acknowledge()).isEqualTo(0x2b);
  }

  @Test
  void levelTriggeredLineAsksUntilItIsSilenced() {
    initialize();
    interrupts.levelTrigger(10);
    interrupts.setLevel(10, true);
    assertThat(interrupts.acknowledge()).isEqualTo(0x2a);
    interrupts.write(0xa0, 0x20);
    interrupts.write(0x20, 0x20);
    assertThat(interrupts.isPending()).isTrue();
    interrupts.setLevel(10, false);
    assertThat(interrupts.isPending()).isFalse();
  }

  @Test
  void requestThatWentAwayIsTheSpuriousVector() {
    initialize();
    assertThat(interrupts.acknowledge()).isEqualTo(0x27);
  }

  @Property
  void anyWritesLeaveAControllerThatAnswers(@ForAll long seed) {
    Random random = new Random(seed);
    int[] ports = {0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1};
    for (int i = 0; i < 100; i++) {
      interrupts.write(ports[random.nextInt(ports.length)], random.nextInt(256));
      interrupts.setLevel(random.nextInt(16), random.nextBoolean());
      interrupts.pulse(random.nextInt(16));
      if (interrupts.isPending()) {
        assertThat(interrupts.acknowledge()).isBetween(0, 255);
      }
    }
  }

  @Test
  void periodicTimerTicksOnceForEachTimeItIsAskedHoweverLateThatIs() {
    IntervalTimer timer = new IntervalTimer(clock);
    timer.write(0x43, 0x34);
    timer.write(0x40, 0x9b);
    timer.write(0x40, 0x2e); // 11931 ticks: 9.9992 ms
    assertThat(timer.takeTick()).isFalse();
    clock.nanos = timer.nextTickNanos();
    assertThat(clock.nanos).isBetween(9_999_000L, 9_999_500L);
    assertThat(timer.takeTick()).isTrue();
    assertThat(timer.takeTick()).isFalse();
    clock.nanos = 10 * SECOND;
    assertThat(timer.takeTick()).isTrue();
    assertThat(timer.takeTick()).isFalse();
    assertThat(timer.nextTickNanos()).isBetween(10 * SECOND, 10 * SECOND + 10_000_000);
  }

  @Test
  void oneShotTicksOnceAfterItsCountAndOne() {
    IntervalTimer timer = new IntervalTimer(clock);
    timer.write(0x43, 0x38);
    assertThat(timer.nextTickNanos()).isEqualTo(Waiter.NO_DEADLINE);
    timer.write(0x40, 0xff);
    timer.write(0x40, 0xff);
    clock.nanos = 65535 * SECOND / 1_193_182 + 1;
    assertThat(timer.takeTick()).isFalse();
    clock.nanos = timer.nextTickNanos();
    assertThat(clock.nanos).isEqualTo(54_925_402L); // 65536 ticks, rounded up
    assertThat(timer.takeTick()).isTrue();
    assertThat(timer.nextTickNanos()).isEqualTo(Waiter.NO_DEADLINE);
  }

  @Test
  void latchedCountStaysUntilBothBytesAreRead() {
    IntervalTimer timer = new IntervalTimer(clock);
    timer.write(0x43, 0x34);
    timer.write(0x40, 0x00);
    timer.write(0x40, 0x10);
    clock.nanos = 1_000_000; // 1193 ticks
    timer.write(0x43, 0x00);
    clock.nanos = 2_000_000;
    int count = timer.read(0x40) | timer.read(0x40) << 8;
    assertThat(count).isEqualTo(0x1000 - 1193);
    assertThat(timer.read(0x40) | timer.read(0x40) << 8).isEqualTo(0x1000 - 2386);
  }

  @Test
  void statusIsReadBackBeforeTheCountThatWasLatchedWithIt() {
    IntervalTimer timer = new IntervalTimer(clock);
    timer.write(0x43, 0x34);
    timer.write(0x43, 0xe2); // the status of channel 0
    assertThat(timer.read(0x40)).as("no count yet").isEqualTo(0xf4);
    timer.write(0x40, 0x00);
    timer.write(0x40, 0x10);
    clock.nanos = 1_000_000; // 1193 ticks
    timer.write(0x43, 0xc2); // count and status
    clock.nanos = 2_000_000;
    timer.write(0x43, 0xc2); // which are kept already
    assertThat(timer.read(0x40)).isEqualTo(0xb4);
    assertThat(timer.read(0x40) | timer.read(0x40) << 8).isEqualTo(0x1000 - 1193);
    assertThat(timer.read(0x40) | timer.read(0x40) << 8).as("now").isEqualTo(0x1000 - 2386);
    timer.write(0x43, 0xf2); // neither
    assertThat(timer.read(0x40) | timer.read(0x40) << 8).isEqualTo(0x1000 - 2386);
  }

  @Test
  void statusIsOfTheChannelsThatWereNamedAndGoesWithANewControlWord() {
    IntervalTimer timer = new IntervalTimer(clock);
    timer.write(0x61, 1);
    timer.write(0x43, 0xb0);
    timer.write(0x42, 5);
    timer.write(0x42, 0);
    timer.write(0x43, 0xe8); // of channel 2
    assertThat(timer.read(0x42)).isEqualTo(0x30);
    assertThat(timer.read(0x40) | timer.read(0x40) << 8).as("the count of another").isZero();
    timer.write(0x43, 0xe8);
    timer.write(0x43, 0xb6);
    timer.write(0x42, 7);
    timer.write(0x42, 0);
    assertThat(timer.read(0x42)).as("a count").isEqualTo(7);
  }

  /** The output of channel 0 while it counts 6 in a mode, a character for each tick. */
  @ParameterizedTest
  @CsvSource({"0,_______---", "2,-----_-----_", "3,---___---___", "4,------_----"})
  void statusTellsOfTheOutput(int mode, String levels) {
    IntervalTimer timer = new IntervalTimer(clock);
    timer.write(0x43, 0x30 | mode << 1);
    timer.write(0x40, 6);
    timer.write(0x40, 0);
    StringBuilder seen = new StringBuilder();
    for (int tick = 0; tick < levels.length(); tick++) {
      clock.nanos = tick * SECOND / 1_193_182 + 1;
      timer.write(0x43, 0xe2);
      seen.append((timer.read(0x40) & 0x80) != 0 ? '-' : '_');
    }
    assertThat(seen).hasToString(levels);
  }

  @Test
  void speakerGateMeasuresTime() {
    IntervalTimer timer = new IntervalTimer(clock);
    timer.write(0x61, 0);
    timer.write(0x43, 0xb0);
    timer.write(0x42, 0xa9);
    timer.write(0x42, 0x04); // 1193 ticks
    timer.write(0x61, 1);
    assertThat(timer.read(0x61) & 0x20).isZero();
    clock.nanos = 1_001_000;
    assertThat(timer.read(0x61) & 0x20).isEqualTo(0x20);
  }

  @Property
  void anyCountEndsInTime(
      @ForAll @IntRange(max = 0xffff) int count, @ForAll @IntRange(max = 5) int mode) {
    IntervalTimer timer = new IntervalTimer(clock);
    clock.nanos = 40_000L * SECOND;
    timer.write(0x43, 0x30 | mode << 1);
    timer.write(0x40, count & 0xff);
    timer.write(0x40, count >>> 8);
    assertThat(timer.nextTickNanos()).isBetween(clock.nanos, clock.nanos + 54_930_000);
    clock.nanos = timer.nextTickNanos();
    assertThat(timer.takeTick()).isTrue();
  }

  @Test
  void clockReadsAsDecimalsOnA24HourClock() {
    RealTimeClock rtc = new RealTimeClock(clock);
    int[] registers = {0x0a, 0, 2, 4, 6, 7, 8, 9, 0x32};
    int[] expected = {0x26, 0x07, 0x58, 0x23, 3, 0x09, 0x12, 0x31, 0x20};
    for (int i = 0; i < registers.length; i++) {
      rtc.write(0x70, registers[i]);
      assertThat(rtc.read(0x71)).as("register %d", registers[i]).isEqualTo(expected[i]);
    }
  }

  @Test
  void fieldsReadTogetherBelongTogether() {
    RealTimeClock rtc = new RealTimeClock(clock);
    rtc.write(0x70, 0x0a);
    rtc.read(0x71);
    clock.date = clock.date.plusMinutes(2);
    clock.nanos = 200_000;
    rtc.write(0x70, 2);
    assertThat(rtc.read(0x71)).isEqualTo(0x58);
    clock.nanos = 300_000;
    assertThat(rtc.read(0x71)).isEqualTo(0x00);
  }
}
