// SPDX-License-Identifier: ISC

package dev.tealight.testkit.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tealight.Console;
import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.Hypervisor;
import dev.tealight.Monitor;
import dev.tealight.MonitorObserver;
import dev.tealight.RunHandle;
import dev.tealight.RunResult;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmOptions;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.solo5.Solo5Hvt;
import dev.tealight.spi.UnprivilegedStart;
import dev.tealight.testkit.GuestScript;
import dev.tealight.testkit.Guests;
import dev.tealight.testkit.X86LongMode;
import dev.tealight.testkit.contract.GuestCase.End;
import dev.tealight.testkit.contract.GuestCase.Faults;
import dev.tealight.testkit.contract.GuestCase.FaultsOrIsStopped;
import dev.tealight.testkit.contract.GuestCase.Halts;
import dev.tealight.testkit.contract.GuestCase.IsStopped;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the {@linkplain Guests guest programs} on a backend and compares how they end and what they
 * print. Where a backend cannot do what a program needs, another end is expected, and the log says
 * why; nothing is skipped.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class GuestSuite {
  private static final Logger LOG = LoggerFactory.getLogger(GuestSuite.class);

  private static final long MEMORY_BYTE_SIZE = 32L << 20;
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final Duration A_MOMENT = Duration.ofMillis(500);

  /** The instruction of a hypercall: out %eax, (%dx). */
  private static final byte OUT = (byte) 0xef;

  private Hypervisor hypervisor;
  private boolean executesSse;
  private boolean isUnprivileged;

  /** For subclasses. */
  protected GuestSuite() {}

  /**
   * {@return the hypervisor to test, to be closed by the suite}
   *
   * <p>A test class of an integration test skips itself where the host lacks what it needs, by
   * {@link org.junit.jupiter.api.Assumptions} with the reason.
   */
  protected abstract Hypervisor open();

  /**
   * {@return whether guests are kept from what {@link dev.tealight.Protection} forbids beside
   * writing: reading text, executing data; false unless overridden}
   */
  protected boolean protectsBeyondWrites() {
    return false;
  }

  /**
   * {@return whether guests are kept from reading what {@link dev.tealight.Protection} lets them
   * only execute; as {@link #protectsBeyondWrites} unless overridden}
   */
  protected boolean protectsReads() {
    return protectsBeyondWrites();
  }

  private boolean protectsFrom(GuestCase guest) {
    return guest.isPreventedAsRead() ? protectsReads() : protectsBeyondWrites();
  }

  @BeforeAll
  void openHypervisor() {
    hypervisor = open();
    isUnprivileged = probeUnprivileged();
    executesSse = isUnprivileged || probeSse();
  }

  @AfterAll
  void closeHypervisor() {
    if (hypervisor != null) {
      hypervisor.close();
    }
  }

  static List<GuestCase> cases() {
    return GuestCases.all();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void guestEndsAsItShould(GuestCase guest) throws InterruptedException {
    Transcript transcript = new Transcript();
    Monitor.Builder builder =
        Monitor.builder()
            .image(guest.program, Guests.image(guest.program))
            .memoryByteSize(MEMORY_BYTE_SIZE)
            .arguments(guest.arguments().toArray(String[]::new))
            .console(Console.direct(transcript))
            .hypervisor(hypervisor)
            .deadline(LIMIT);
    guest.devices().forEach(builder::device);
    try (Monitor monitor = builder.build()) {
      RunHandle handle = monitor.start();
      End expected = expected(guest);
      if (expected instanceof IsStopped) {
        transcript.awaitText(guest.texts().getFirst(), LIMIT);
        handle.stop();
      }
      if (expected instanceof FaultsOrIsStopped && handle.await(A_MOMENT).isEmpty()) {
        handle.stop();
      }
      RunResult result = handle.await();
      String context = "%s\n%s".formatted(result, transcript.text());
      assertEquals(isUnprivileged, monitor.unprivilegedReason().isPresent(), context);
      switch (expected) {
        case Halts(int status) -> {
          int actual = assertInstanceOf(RunResult.Halted.class, result, context).status();
          assertEquals(status, actual, context);
        }
        case Faults(String reason) -> {
          String actual = assertInstanceOf(RunResult.Faulted.class, result, context).reason();
          assertTrue(actual.contains(reason), context);
        }
        case IsStopped() -> assertInstanceOf(RunResult.Stopped.class, result, context);
        case FaultsOrIsStopped() ->
            assertTrue(
                result instanceof RunResult.Faulted || result instanceof RunResult.Stopped,
                context);
      }
      if (expected.equals(guest.end())) {
        assertTexts(guest, transcript.text());
      }
    }
  }

  /** A paused guest that waits in a call stands behind the instruction that made it. */
  @Test
  void guestPausedInAWaitHasNothingHalfDone() throws InterruptedException {
    CountDownLatch waiting = new CountDownLatch(1);
    VcpuCapture boot = new VcpuCapture(Solo5Hvt.PROTOCOL);
    try (Monitor monitor =
        Monitor.builder()
            .image("pollforever", Guests.image("pollforever"))
            .memoryByteSize(MEMORY_BYTE_SIZE)
            .hypervisor(hypervisor)
            .bootProtocol(boot)
            .deadline(LIMIT)
            .observer(
                new MonitorObserver() {
                  @Override
                  public void waiting(Monitor waiter, long deadlineNanos) {
                    waiting.countDown();
                  }
                })
            .build()) {
      RunHandle handle = monitor.start();
      waiting.await();
      for (int i = 0; i < 3; i++) {
        handle.pause();
        long next = boot.vcpu().readState().instructionPointer();
        assertEquals(
            OUT, monitor.memory().readByte(next - 1), () -> "stands at 0x%x".formatted(next));
        handle.resume();
      }
      handle.stop();
      assertInstanceOf(RunResult.Stopped.class, handle.await());
    }
  }

  private End expected(GuestCase guest) {
    if (guest.usesSse() && !executesSse) {
      LOG.info(
          "{}: a fault is expected, {} executes no SSE at privilege level 0",
          guest,
          hypervisor.name());
      return new Faults("internal error");
    }
    if (isUnprivileged && guest.endIfUnprivileged().isPresent()) {
      LOG.info("{}: it is expected to notice that it is not privileged", guest);
      return guest.endIfUnprivileged().get();
    }
    Optional<End> prevented = guest.endIfPrevented();
    if (prevented.isPresent() && !protectsFrom(guest)) {
      LOG.info(
          "{}: {} is expected, {} does not protect from this",
          guest,
          guest.end(),
          hypervisor.name());
    }
    return prevented.filter(end -> protectsFrom(guest)).orElse(guest.end());
  }

  private static void assertTexts(GuestCase guest, String text) {
    for (String expected : guest.texts()) {
      assertTrue(text.contains(expected), () -> "no '%s' in:\n%s".formatted(expected, text));
    }
    for (String absent : guest.absentTexts()) {
      assertTrue(!text.contains(absent), () -> "'%s' in:\n%s".formatted(absent, text));
    }
  }

  private boolean probeUnprivileged() {
    try (Vm vm = hypervisor.createVm(VmOptions.ofMemory(VcpuFixture.MEMORY_BYTE_SIZE));
        Vcpu vcpu = vm.createVcpu()) {
      return vcpu.ability(UnprivilegedStart.class).isPresent();
    }
  }

  /** Tries the kind of instruction that a KVM without hardware virtualisation cannot do. */
  private boolean probeSse() {
    MachineCode probe =
        new MachineCode(
            """
            0f 28 c1       # movaps %xmm1, %xmm0
            0f 59 c1       # mulps %xmm1, %xmm0
            f4             # hlt
            """,
            GuestScript.exits());
    try (Vm vm = hypervisor.createVm(VmOptions.ofMemory(VcpuFixture.MEMORY_BYTE_SIZE));
        Vcpu vcpu = vm.createVcpu()) {
      X86CpuState state = X86LongMode.load(vm.memory(), probe.bytes());
      state.set(X86Register.CR4, state.get(X86Register.CR4) | 0x600); // OSXMMEXCPT, OSFXSR
      vcpu.writeState(state);
      ExitFrame exit = new ExitFrame();
      ExitKind kind = vcpu.run(exit);
      while (kind == ExitKind.INTERRUPTED) {
        kind = vcpu.run(exit);
      }
      return kind == ExitKind.HALT;
    }
  }
}
