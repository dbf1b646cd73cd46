// SPDX-License-Identifier: ISC
package dev.tealight.internal.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.CpuState;
import dev.tealight.DeviceException;
import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.HostCallException;
import dev.tealight.RunResult;
import dev.tealight.Vcpu;
import dev.tealight.X86CpuState;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.Outcome;
import dev.tealight.fake.FakeTime;
import dev.tealight.fake.FakeVm;
import dev.tealight.internal.run.RunLoop.Step;
import dev.tealight.spi.HypercallConvention;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** In what state a pause leaves the last exit. */
class PauseTest {
  private static final int WAITS = 0x10;
  private static final int SERVED = 0x20;
  private static final int ENDS = 0x30;

  /** Says when an exit is made whole, which is when the next run begins. */
  private static final class Processor implements Vcpu {
    private final Deque<ExitFrame> exits = new ArrayDeque<>();
    private final List<String> log = new ArrayList<>();

    /** An access that follows within the instruction of the last one, whatever is asked for. */
    private final Deque<ExitFrame> sameInstruction = new ArrayDeque<>();

    private String owed = "";
    private boolean kicked;

    @Override
    public ExitKind run(ExitFrame frame) {
      if (!owed.isEmpty()) {
        boolean read = frame.kind() == ExitKind.IO_READ;
        log.add("completed " + owed + (read ? " with " + frame.value() : ""));
        owed = "";
      }
      if (kicked && sameInstruction.isEmpty()) {
        kicked = false;
        return frame.event(ExitKind.INTERRUPTED, 0, 0);
      }
      ExitFrame next = sameInstruction.isEmpty() ? exits.remove() : sameInstruction.remove();
      owed = "0x%x".formatted(next.address());
      return frame.access(next.kind(), next.address(), next.width(), next.value());
    }

    @Override
    public void kick() {
      kicked = true;
    }

    @Override
    public X86CpuState readState() {
      return new X86CpuState();
    }

    @Override
    public void writeState(CpuState state) {}

    @Override
    public long cycleCounterHz() {
      return 0;
    }

    @Override
    public void close() {}
  }

  private final Processor vcpu = new Processor();
  private final FakeVm vm = new FakeVm(4096);
  private final FakeTime time = new FakeTime();
  private final HandlerTable handlers = new HandlerTable();
  private RunLoop loop;
  private boolean ready;
  private int settled;

  @BeforeEach
  void createLoop() {
    handlers.ports(
        WAITS,
        1,
        "WAITS",
        new GuestCallHandler() {
          @Override
          public Outcome handle(GuestCall call) {
            return resume(call);
          }

          @Override
          public Outcome resume(GuestCall call) {
            assertThat(call.exit().address()).isEqualTo(WAITS);
            if (!ready) {
              return call.waitFor(0, List.of());
            }
            if (call.exit().kind() == ExitKind.IO_READ) {
              call.exit().complete(7);
            }
            return Outcome.CONTINUE;
          }
        });
    handlers.ports(
        SERVED,
        1,
        "SERVED",
        call -> {
          vcpu.log.add("served " + call.exit().value());
          return Outcome.CONTINUE;
        });
    handlers.ports(ENDS, 1, "ENDS", call -> call.end(new RunResult.Halted(0, 0)));
    loop =
        new RunLoop(
            vcpu,
            vm.memory(),
            handlers,
            HypercallConvention.NONE,
            time,
            time,
            Duration.ZERO,
            null,
            () -> settled++);
  }

  @AfterEach
  void close() {
    vm.close();
  }

  private static ExitFrame access(ExitKind kind, int port, long value) {
    ExitFrame frame = new ExitFrame();
    frame.access(kind, port, 4, value);
    return frame;
  }

  private void guestMakes(ExitFrame... accesses) {
    vcpu.exits.addAll(List.of(accesses));
    vcpu.exits.add(access(ExitKind.IO_WRITE, ENDS, 0));
  }

  private void pauseAndResume() {
    loop.request(RunLoop.PAUSE);
    Step step = loop.step();
    while (step == Step.READY) {
      step = loop.step();
    }
    assertThat(step).isEqualTo(Step.PAUSED);
    assertThat(loop.step()).isEqualTo(Step.PAUSED);
    loop.withdraw(RunLoop.PAUSE);
  }

  @Test
  void whatOthersDoForTheGuestIsFinishedInAPauseAndAtTheEnd() {
    guestMakes(access(ExitKind.IO_WRITE, WAITS, 1));
    assertThat(loop.step()).isEqualTo(Step.WAITING);
    assertThat(settled).isZero();
    loop.request(RunLoop.PAUSE);
    assertThat(loop.step()).isEqualTo(Step.PAUSED);
    assertThat(settled).isEqualTo(1);
    loop.withdraw(RunLoop.PAUSE);
    runToEnd();
    assertThat(settled).isEqualTo(2);
  }

  @Test
  void breachThatAnotherThreadFoundEndsAPausedRunToo() {
    guestMakes(access(ExitKind.IO_WRITE, WAITS, 1));
    assertThat(loop.step()).isEqualTo(Step.WAITING);
    loop.request(RunLoop.PAUSE);
    assertThat(loop.step()).isEqualTo(Step.PAUSED);
    loop.requestFault("a breach");
    assertThat(loop.step()).isEqualTo(Step.ENDED);
    assertThat(((RunResult.Faulted) loop.result()).reason()).startsWith("a breach");
  }

  @Test
  void failureThatAnotherThreadFoundIsThrown() {
    HostCallException failure = new HostCallException("write", 5, "EIO", "");
    loop.requestFailure(failure);
    assertThatThrownBy(loop::step).isSameAs(failure);
  }

  @Test
  void failureOfAnotherKindIsThrownAsTheDevices() {
    loop.requestFailure(new IllegalStateException("broken"));
    assertThatThrownBy(loop::step)
        .isInstanceOf(DeviceException.class)
        .hasRootCauseMessage("broken");
  }

  private void runToEnd() {
    ready = true;
    Step step = Step.READY;
    while (step == Step.READY) {
      step = loop.step();
    }
    assertThat(step).isEqualTo(Step.ENDED);
  }

  @Test
  void writeWhoseHandlerWaitsIsCompleteInAPause() {
    guestMakes(access(ExitKind.IO_WRITE, WAITS, 1));
    assertThat(loop.step()).isEqualTo(Step.WAITING);
    assertThat(vcpu.log).isEmpty();
    pauseAndResume();
    assertThat(vcpu.log).containsExactly("completed 0x10");
    runToEnd();
    assertThat(vcpu.log).hasSize(1);
  }

  @Test
  void readThatIsNotAnsweredYetHasNoEffectInAPause() {
    guestMakes(access(ExitKind.IO_READ, WAITS, 0));
    assertThat(loop.step()).isEqualTo(Step.WAITING);
    pauseAndResume();
    assertThat(vcpu.log).isEmpty();
    runToEnd();
    assertThat(vcpu.log).containsExactly("completed 0x10 with 7");
  }

  @Test
  void readThatWasJustAnsweredIsCompleteInAPause() {
    guestMakes(access(ExitKind.IO_READ, WAITS, 0));
    assertThat(loop.step()).isEqualTo(Step.WAITING);
    ready = true;
    assertThat(loop.step()).isEqualTo(Step.READY);
    pauseAndResume();
    assertThat(vcpu.log).containsExactly("completed 0x10 with 7");
    runToEnd();
  }

  @Test
  void furtherAccessOfTheInstructionIsServedAfterThePauseAndTheWait() {
    guestMakes(access(ExitKind.IO_WRITE, WAITS, 1));
    assertThat(loop.step()).isEqualTo(Step.WAITING);
    vcpu.sameInstruction.add(access(ExitKind.IO_WRITE, WAITS, 1));
    vcpu.sameInstruction.add(access(ExitKind.IO_WRITE, SERVED, 42));
    pauseAndResume();
    assertThat(vcpu.log).containsExactly("completed 0x10");
    assertThat(loop.step()).isEqualTo(Step.WAITING);
    runToEnd();
    assertThat(vcpu.log)
        .containsExactly("completed 0x10", "completed 0x10", "served 42", "completed 0x20");
    assertThat(loop.counts().of(ExitKind.IO_WRITE)).isEqualTo(4);
  }
}
