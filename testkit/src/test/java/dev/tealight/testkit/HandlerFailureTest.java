// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tealight.DeviceException;
import dev.tealight.ExitCounts;
import dev.tealight.ExitKind;
import dev.tealight.HostCallException;
import dev.tealight.Monitor;
import dev.tealight.MonitorObserver;
import dev.tealight.Protection;
import dev.tealight.Region;
import dev.tealight.RunResult;
import dev.tealight.RunResult.Faulted;
import dev.tealight.RunResult.Halted;
import dev.tealight.VmExit;
import dev.tealight.Waiter;
import dev.tealight.device.GuestCall;
import dev.tealight.device.GuestCallHandler;
import dev.tealight.device.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What becomes of what handlers and observers do. */
@Timeout(60)
class HandlerFailureTest {

  private static Scripted calling(GuestCallHandler handler) {
    return new Scripted(
        Scripted.callThenEnd(), builder -> builder.hypercall(Scripted.CALL, "CALL", handler));
  }

  @Test
  void accessThatTheGuestMayNotMakeIsItsFault() throws InterruptedException {
    try (Scripted scripted =
        calling(
            call -> {
              call.memory().writeLong(call.memory().byteSize() - 4, 1);
              return Outcome.CONTINUE;
            })) {
      Faulted fault = (Faulted) scripted.monitor.run();
      assertThat(fault.exit()).isEqualTo(ScriptedBoot.hypercall(Scripted.CALL, 0x1000));
      assertThat(fault.reason())
          .isEqualTo(
              "CALL: range gpa=0xffffc byteSize=8 is outside guest memory of 1048576 bytes"
                  + " at instruction 0xfff0");
    }
  }

  @Test
  void resultIntoAReadOnlyPageIsTheGuestsFault() throws InterruptedException {
    try (Scripted scripted =
        calling(
            call -> {
              call.memory().writeInt(call.argument(), 1);
              return Outcome.CONTINUE;
            })) {
      scripted.mock.vm().protect(List.of(new Region(0x1000, 0x1000, Protection.READ_ONLY)));
      assertThat(scripted.monitor.run()).isInstanceOf(Faulted.class);
    }
  }

  @Test
  void exceptionOfAHandlerIsAFailureOfTheHostThatNamesIt() {
    try (Scripted scripted =
        calling(
            call -> {
              throw new ArithmeticException("by zero");
            })) {
      assertThatThrownBy(scripted.monitor::run)
          .isInstanceOf(DeviceException.class)
          .hasMessage(
              "CALL failed on write of 0x1000, 4 bytes wide, to port 0x507:"
                  + " java.lang.ArithmeticException: by zero");
    }
  }

  @Test
  void exceptionOfTheHostComesAsItIs() {
    HostCallException failure = new HostCallException("pread", 5, "EIO", "");
    try (Scripted scripted =
        calling(
            call -> {
              throw failure;
            })) {
      assertThatThrownBy(scripted.monitor::run).isSameAs(failure);
    }
  }

  @Test
  void errorOfAHandlerReachesWhoeverWaits() {
    try (Scripted scripted =
        calling(
            call -> {
              throw new AssertionError("a test's own");
            })) {
      assertThatThrownBy(scripted.monitor::run)
          .isInstanceOf(AssertionError.class)
          .hasMessage("a test's own");
    }
  }

  @Test
  void handlerThatEndsWithoutAResultIsNamed() {
    try (Scripted scripted = calling(call -> Outcome.END)) {
      assertThatThrownBy(scripted.monitor::run)
          .isInstanceOf(DeviceException.class)
          .hasMessage("CALL ended the run without a result");
    }
  }

  @Test
  void handlerEndsTheRunAsTheGuestsFault() throws InterruptedException {
    try (Scripted scripted = calling(call -> call.fault("nonsense"))) {
      assertThat(((Faulted) scripted.monitor.run()).reason())
          .isEqualTo("nonsense at instruction 0xfff0");
    }
  }

  @Test
  void failureToRunComesAsItIsAndTheMonitorCloses() {
    try (Scripted scripted = new Scripted(GuestScript.spin())) {
      HostCallException failure = new HostCallException("ioctl(KVM_RUN)", 12, "ENOMEM", "");
      scripted.mock.fail(MockOperation.RUN, () -> failure);
      assertThatThrownBy(scripted.monitor::run).isSameAs(failure);
    }
  }

  @Test
  void failureToWaitComesAsItIsAndTheMonitorCloses() {
    try (Scripted scripted = calling(call -> call.waitFor(Waiter.NO_DEADLINE, List.of()))) {
      HostCallException failure = new HostCallException("ppoll", 12, "ENOMEM", "");
      scripted.mock.fail(MockOperation.AWAIT, () -> failure);
      assertThatThrownBy(scripted.monitor::run).isSameAs(failure);
    }
  }

  @Test
  void faultWithoutRegistersIsStillAFault() throws InterruptedException {
    try (Scripted scripted = new Scripted(GuestScript.exits(new VmExit.Halt()))) {
      scripted.mock.fail(
          MockOperation.READ_STATE, () -> new HostCallException("read", 5, "EIO", ""));
      Faulted fault = (Faulted) scripted.monitor.run();
      assertThat(fault.registers()).isEmpty();
      assertThat(fault.exit()).isEqualTo(new VmExit.Halt());
    }
  }

  // Reads.

  @Test
  void handlersAnswerPortsAndAddresses() throws InterruptedException {
    GuestScript script =
        GuestScript.exits(
            new VmExit.IoRead(0x61, 1),
            new VmExit.MmioRead(0x1000_0ffcL, 4),
            new VmExit.IoWrite(0x62, 2, 9),
            ScriptedBoot.end(0));
    List<String> seen = new ArrayList<>();
    try (Scripted scripted =
        new Scripted(
            script,
            builder ->
                builder.handlers(
                    registry -> {
                      registry.ports(
                          0x60,
                          3,
                          "PORTS",
                          call -> {
                            seen.add(call.exit().toString());
                            if (call.exit().kind() == ExitKind.IO_READ) {
                              call.exit().complete(0x1ab);
                            }
                            return Outcome.CONTINUE;
                          });
                      registry.mmio(
                          0x1000_0000L,
                          0x1000,
                          "ADDRESSES",
                          call -> {
                            call.exit().complete(0xcafe);
                            return Outcome.CONTINUE;
                          });
                    }))) {
      assertThat(scripted.monitor.run()).isEqualTo(new Halted(0));
      assertThat(scripted.vcpu().completedReads())
          .extracting(MockVcpu.CompletedRead::value)
          .containsExactly(0xabL, 0xcafeL);
      assertThat(seen)
          .containsExactly(
              "read of 1 bytes from port 0x61", "write of 0x9, 2 bytes wide, to port 0x62");
    }
  }

  @Test
  void readThatIsAnsweredAfterAWaitIsCompleted() throws InterruptedException {
    VirtualTime time = new VirtualTime();
    GuestCallHandler handler =
        new GuestCallHandler() {
          @Override
          public Outcome handle(GuestCall call) {
            return call.waitFor(call.time().deadlineAfter(1000), List.of());
          }

          @Override
          public Outcome resume(GuestCall call) {
            call.exit().complete(call.time().monotonicNanos());
            return Outcome.CONTINUE;
          }
        };
    GuestScript script = Scripted.exitThenEnd(new VmExit.IoRead(0x60, 4));
    try (Scripted scripted =
        new Scripted(
            script,
            builder ->
                builder
                    .timeSource(time)
                    .handlers(registry -> registry.ports(0x60, 1, "CLOCK", handler)))) {
      assertThat(scripted.monitor.run()).isEqualTo(new Halted(0));
      assertThat(scripted.vcpu().completedReads())
          .containsExactly(new MockVcpu.CompletedRead(new VmExit.IoRead(0x60, 4), 1000));
    }
  }

  // Observers.

  private static final class Recorder implements MonitorObserver {
    private final List<String> events = new ArrayList<>();
    private Optional<ExitCounts> counts = Optional.empty();

    @Override
    public void created(Monitor monitor) {
      events.add("created " + monitor.name());
    }

    @Override
    public void started(Monitor monitor) {
      events.add("started " + monitor.name());
    }

    @Override
    public void waiting(Monitor monitor, long deadlineNanos) {
      events.add("waiting until " + deadlineNanos);
    }

    @Override
    public void ended(Monitor monitor, RunResult result, ExitCounts exits) {
      events.add("ended " + result);
      counts = Optional.of(exits);
    }

    @Override
    public void failed(Monitor monitor, Throwable cause, ExitCounts exits) {
      events.add("failed by " + cause.getMessage());
      counts = Optional.of(exits);
    }
  }

  private static final class Broken implements MonitorObserver {
    @Override
    public void created(Monitor monitor) {
      throw new IllegalStateException("created");
    }

    @Override
    public void started(Monitor monitor) {
      throw new IllegalStateException("started");
    }

    @Override
    public void ended(Monitor monitor, RunResult result, ExitCounts exits) {
      throw new IllegalStateException("ended");
    }
  }

  @Test
  void observersAreToldInOrderAndMayFail() throws InterruptedException {
    Recorder recorder = new Recorder();
    VirtualTime time = new VirtualTime();
    GuestCallHandler handler =
        call ->
            call.time().monotonicNanos() < 500 ? call.waitFor(500, List.of()) : Outcome.CONTINUE;
    try (Scripted scripted =
        new Scripted(
            Scripted.callThenEnd(),
            builder ->
                builder
                    .timeSource(time)
                    .hypercall(Scripted.CALL, "CALL", handler)
                    .observer(new Broken())
                    .observer(recorder))) {
      assertThat(scripted.monitor.run()).isEqualTo(new Halted(0));
    }
    assertThat(recorder.events)
        .containsExactly(
            "created scripted", "started scripted", "waiting until 500", "ended " + new Halted(0));
    assertThat(recorder.counts.orElseThrow().of(ExitKind.IO_WRITE)).isEqualTo(2);
    assertThat(recorder.counts.orElseThrow().total()).isEqualTo(2);
  }

  @Test
  void observersAreToldOfARunThatTheHostEnds() {
    Recorder recorder = new Recorder();
    HostCallException failure = new HostCallException("pread", 5, "EIO", "");
    try (Scripted scripted =
        new Scripted(
            Scripted.callThenEnd(),
            builder ->
                builder
                    .hypercall(
                        Scripted.CALL,
                        "CALL",
                        call -> {
                          throw failure;
                        })
                    .observer(recorder))) {
      assertThatThrownBy(scripted.monitor::run).isSameAs(failure);
    }
    assertThat(recorder.events)
        .containsExactly(
            "created scripted", "started scripted", "failed by " + failure.getMessage());
    assertThat(recorder.counts.orElseThrow().of(ExitKind.IO_WRITE)).isEqualTo(1);
  }
}
