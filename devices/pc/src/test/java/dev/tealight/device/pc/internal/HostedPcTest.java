// SPDX-License-Identifier: ISC
package dev.tealight.device.pc.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.ReadinessSource;
import dev.tealight.TimeSource;
import dev.tealight.Waiter;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.GuestCallRegistry;
import dev.tealight.device.InterruptLine;
import dev.tealight.device.Outcome;
import dev.tealight.device.PciFunction;
import dev.tealight.spi.ConsoleOutput;
import dev.tealight.spi.HostedChips;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** The PC where the hypervisor has interrupt controllers, timer and clock. */
class HostedPcTest {
  private static final TimeSource TIME =
      new TimeSource() {
        @Override
        public long monotonicNanos() {
          return 5;
        }

        @Override
        public long wallClockNanos() {
          return 1_955_000_000_999_999_999L;
        }
      };

  /** Writes down what it is asked for, and counts as a kernel does. */
  private static final class Chips implements HostedChips {
    private final List<String> asked = new ArrayList<>();

    @Override
    public void levelTrigger(int line) {
      asked.add("level " + line);
    }

    @Override
    public void setLevel(int line, boolean asserted) {
      asked.add((asserted ? "raise " : "lower ") + line);
    }

    @Override
    public void setClock(long epochSeconds) {
      asked.add("clock " + epochSeconds);
    }
  }

  /** Who registered the first port of a range. */
  private static final class Ports implements GuestCallRegistry {
    private final TreeMap<Integer, String> owners = new TreeMap<>();

    @Override
    public void hypercall(int nr, String owner, GuestCallHandler handler) {
      throw new AssertionError(owner);
    }

    @Override
    public void ports(int first, int count, String owner, GuestCallHandler handler) {
      owners.put(first, owner);
    }

    @Override
    public void mmio(long gpa, long byteSize, String owner, GuestCallHandler handler) {
      throw new AssertionError(owner);
    }
  }

  private static final class Source implements ReadinessSource {
    @Override
    public boolean isReady() {
      return true;
    }
  }

  /** Has room for what comes from one source, if it is open. */
  private static final class Function implements PciFunction {
    private final ReadinessSource source = new Source();
    private boolean open;

    @Override
    public Identity identity() {
      return new Identity(0x1af4, 0x1000, 1, 0x020000);
    }

    @Override
    public int portCount() {
      return 64;
    }

    @Override
    public boolean takesFrom(ReadinessSource asked) {
      return open && asked.equals(source);
    }

    @Override
    public Outcome handle(GuestCall call) {
      return Outcome.CONTINUE;
    }
  }

  /** Nothing is printed here. */
  private static final class Silent implements ConsoleOutput {
    @Override
    public Outcome write(GuestCall call, long gpa, long byteSize) {
      throw new AssertionError("text");
    }

    @Override
    public Outcome write(GuestCall call, byte value) {
      throw new AssertionError("text");
    }

    @Override
    public Outcome resume(GuestCall call) {
      throw new AssertionError("text");
    }
  }

  private final Chips chips = new Chips();
  private final Ports ports = new Ports();
  private final Pc pc = new Pc(ports, TIME, new Silent(), Optional.of(chips));

  @Test
  void portsOfTheHypervisorsChipsAreLeftToIt() {
    assertThat(ports.owners).containsOnlyKeys(0x3f8, 0xcf8, 0xf4);
    Ports whole = new Ports();
    new OwnChips(whole, TIME);
    assertThat(whole.owners).containsOnlyKeys(0x20, 0xa0, 0x4d0, 0x40, 0x61, 0x70);
  }

  @Test
  void clockIsSetOnceToTheMonitorsTime() {
    assertThat(chips.asked).containsExactly("clock 1955000000");
  }

  @Test
  void lineIsRaisedAndLoweredOnceHoweverManyFunctionsAskForIt() {
    chips.asked.clear();
    List<InterruptLine> lines = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      lines.add(pc.pci().attach("function " + i, new Function()));
    }
    assertThat(chips.asked)
        .containsExactly("level 10", "level 11", "level 9", "level 14", "level 15", "level 10");
    chips.asked.clear();
    lines.get(0).set(false);
    lines.get(0).set(true);
    lines.get(0).set(true);
    lines.get(5).set(true); // on the same line
    lines.get(0).set(false);
    lines.get(0).set(false);
    assertThat(chips.asked).containsExactly("raise 10");
    lines.get(5).set(false);
    lines.get(2).set(true);
    assertThat(chips.asked).containsExactly("raise 10", "lower 10", "raise 9");
  }

  @Test
  void nothingIsInjectedAndNoTimerIsWaitedFor() {
    InterruptLine line = pc.pci().attach("function", new Function());
    line.set(true);
    assertThat(pc.hasInterrupt()).isFalse();
    assertThat(pc.nextEventNanos()).isEqualTo(Waiter.NO_DEADLINE);
    assertThatThrownBy(pc::acknowledgeInterrupt).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void sourceIsTakenFromWhileItsFunctionHasRoom() {
    Function first = new Function();
    Function second = new Function();
    pc.pci().attach("first", first);
    pc.pci().attach("second", second);
    assertThat(pc.takesFrom(second.source)).isFalse();
    second.open = true;
    assertThat(pc.takesFrom(second.source)).isTrue();
    assertThat(pc.takesFrom(first.source)).isFalse();
  }
}
