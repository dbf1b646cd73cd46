// SPDX-License-Identifier: ISC

package dev.tealight.testkit.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.Vcpu;
import dev.tealight.VmExit;
import dev.tealight.VmExit.IoRead;
import dev.tealight.VmExit.IoWrite;
import dev.tealight.VmExit.MmioWrite;
import dev.tealight.X86Register;
import dev.tealight.testkit.GuestScript;
import dev.tealight.testkit.X86LongMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@link Vcpu#kick} does on every backend, at every moment. */
public abstract class VcpuKickContract extends VcpuFixture {

  /** For subclasses. */
  protected VcpuKickContract() {}

  private static final MachineCode WRITE_THEN_SPIN =
      new MachineCode(
          """
          e6 10       # out %al, $0x10
          eb fe       # jmp .
          """,
          GuestScript.sequence(
              guest -> {
                guest.state().set(X86Register.RIP, X86LongMode.CODE + 2);
                return new IoWrite(0x10, 1, 0);
              },
              GuestScript.spin()));

  private static final MachineCode STORE_THEN_SPIN =
      new MachineCode(
          """
          89 07       # mov %eax, (%rdi)
          eb fe       # jmp .
          """,
          GuestScript.sequence(
              guest -> {
                guest.state().set(X86Register.RIP, X86LongMode.CODE + 2);
                return new MmioWrite(OUTSIDE, 4, 7);
              },
              GuestScript.spin()));

  private static final MachineCode WRITE_STRING =
      new MachineCode(
          """
          f3 6f       # rep outsl
          eb fe       # jmp .
          """,
          GuestScript.exits(
              new IoWrite(0x10, 4, 100), new IoWrite(0x10, 4, 101), new IoWrite(0x10, 4, 102)));

  private static final MachineCode READ_THEN_SPIN =
      new MachineCode(
          """
          e5 10       # in $0x10, %eax
          eb fe       # jmp .
          """,
          GuestScript.sequence(
              guest -> {
                guest.state().set(X86Register.RIP, X86LongMode.CODE);
                return new IoRead(0x10, 4);
              },
              GuestScript.spin()));

  @Test
  void kickBeforeTheFirstRunEndsItBeforeAnyInstruction() {
    load(VcpuContract.COUNT);
    vcpu.kick();
    assertEquals(ExitKind.INTERRUPTED, vcpu.run(exit));
    assertEquals(X86LongMode.CODE, register(X86Register.RIP));
    assertEquals(new IoWrite(0x12, 4, 1), run());
  }

  @Test
  void kickBetweenTwoRunsEndsTheSecondBeforeAnyInstruction() {
    load(VcpuContract.COUNT);
    run();
    vcpu.kick();
    assertEquals(ExitKind.INTERRUPTED, vcpu.run(exit));
    assertEquals(1, register(X86Register.RAX));
    assertEquals(new IoWrite(0x12, 4, 2), run());
  }

  /** So a kicked run makes a write whole, and nothing more: a paused guest can be looked at. */
  @Test
  void guestStandsBehindAWriteWhenAKickHasEndedTheNextRun() {
    load(WRITE_THEN_SPIN);
    assertEquals(new IoWrite(0x10, 1, 0), run());
    for (int i = 0; i < 3; i++) {
      vcpu.kick();
      assertEquals(ExitKind.INTERRUPTED, vcpu.run(new ExitFrame()));
      assertEquals(X86LongMode.CODE + 2, register(X86Register.RIP));
    }
  }

  @Test
  void guestStandsBehindAWriteToAnAddressWhenAKickHasEndedTheNextRun() {
    load(STORE_THEN_SPIN, state -> state.set(X86Register.RDI, OUTSIDE).set(X86Register.RAX, 7));
    assertEquals(new MmioWrite(OUTSIDE, 4, 7), run());
    vcpu.kick();
    assertEquals(ExitKind.INTERRUPTED, vcpu.run(new ExitFrame()));
    assertEquals(X86LongMode.CODE + 2, register(X86Register.RIP));
  }

  @Test
  void guestStandsBeforeAReadThatIsNotAnsweredYet() {
    load(READ_THEN_SPIN);
    assertEquals(new IoRead(0x10, 4), run());
    assertEquals(X86LongMode.CODE, register(X86Register.RIP));
    exit.complete(0x12345678);
    vcpu.kick();
    assertEquals(ExitKind.INTERRUPTED, vcpu.run(exit));
    assertReadIsDone(vcpu);
  }

  /** Each element is written, whatever kicks come between. */
  @Test
  void kicksBetweenTheElementsOfAStringWriteLoseNone() {
    load(
        WRITE_STRING,
        state -> {
          state.set(X86Register.RSI, DATA);
          state.set(X86Register.RCX, 3);
          state.set(X86Register.RDX, 0x10);
        });
    for (int i = 0; i < 3; i++) {
      vm.memory().writeInt(DATA + 4L * i, 100 + i);
    }
    for (int i = 0; i < 3; i++) {
      vcpu.kick();
      assertEquals(new IoWrite(0x10, 4, 100 + i), run());
    }
  }

  @Test
  void kicksWithoutARunBetweenThemMayCollapse() {
    load(VcpuContract.COUNT);
    for (int i = 0; i < 10; i++) {
      vcpu.kick();
    }
    assertEquals(ExitKind.INTERRUPTED, vcpu.run(exit));
    for (int i = 1; i <= 100; i++) {
      assertEquals(new IoWrite(0x12, 4, i), run());
    }
  }

  /** Some of the kicks come before the guest spins, most of them while it does. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 5, 20})
  void oneKickEndsASpinningRun(int afterMillis) throws InterruptedException {
    load(WRITE_THEN_SPIN);
    run();
    ExitKind kind =
        runWhile(
            vcpu,
            exit,
            () -> {
              sleep(afterMillis);
              vcpu.kick();
            });
    assertEquals(ExitKind.INTERRUPTED, kind);
  }

  @Test
  void spinningGuestSpinsOnAfterAKick() throws InterruptedException {
    load(WRITE_THEN_SPIN);
    run();
    for (int i = 0; i < 50; i++) {
      long pauseMicros = ThreadLocalRandom.current().nextLong(2000);
      Runnable kick =
          () -> {
            long until = System.nanoTime() + pauseMicros * 1000;
            while (System.nanoTime() < until) {
              Thread.onSpinWait();
            }
            vcpu.kick();
          };
      assertEquals(ExitKind.INTERRUPTED, runWhile(vcpu, exit, kick));
    }
  }

  @Test
  void answeredReadIsCompletedBeforeAKickEndsTheRun() {
    load(READ_THEN_SPIN);
    assertEquals(new IoRead(0x10, 4), run());
    exit.complete(0x12345678);
    vcpu.kick();
    assertEquals(ExitKind.INTERRUPTED, vcpu.run(exit));
    assertReadIsDone(vcpu);
  }

  /**
   * Checks that the value is in EAX and the next instruction is behind the read.
   *
   * @param target kicked after a read of 0x12345678
   */
  void assertReadIsDone(Vcpu target) {
    assertEquals(0x12345678, register(X86Register.RAX));
    assertEquals(X86LongMode.CODE + 2, register(X86Register.RIP));
  }

  @Test
  void kicksFromManyThreadsDisturbNothing() throws InterruptedException {
    load(VcpuContract.COUNT);
    int threads = 4;
    int kicksEach = 250;
    AtomicInteger done = new AtomicInteger();
    List<Thread> kickers = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      Random random = new Random(t);
      kickers.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int i = 0; i < kicksEach; i++) {
                      vcpu.kick();
                      LockSupport.parkNanos(random.nextInt(50_000));
                    }
                    done.incrementAndGet();
                  }));
    }
    long expected = 1;
    int interrupted = 0;
    while (done.get() < threads || expected < 1000) {
      if (vcpu.run(exit) == ExitKind.INTERRUPTED) {
        interrupted++;
      } else {
        assertEquals(new IoWrite(0x12, 4, expected++), exit.snapshot());
      }
    }
    for (Thread kicker : kickers) {
      kicker.join();
    }
    assertTrue(interrupted >= 1, "1000 kicks and no exit");
    VmExit next = run();
    assertEquals(new IoWrite(0x12, 4, expected), next);
  }

  @Test
  void kickReachesItsOwnVcpuOnly() {
    try (Vcpu other = vm.createVcpu()) {
      load(VcpuContract.COUNT);
      load(vm, other, VcpuContract.COUNT, state -> {});
      vcpu.kick();
      ExitFrame frame = new ExitFrame();
      assertEquals(ExitKind.IO_WRITE, other.run(frame));
      assertEquals(ExitKind.INTERRUPTED, vcpu.run(exit));
    }
  }

  @Test
  void kickFollowsTheVcpuToAnotherThread() throws InterruptedException {
    load(WRITE_THEN_SPIN);
    run();
    ExitKind[] kind = new ExitKind[1];
    Thread runner = Thread.ofPlatform().unstarted(() -> kind[0] = kickedWhileSpinning());
    runner.start();
    runner.join();
    assertEquals(ExitKind.INTERRUPTED, kind[0]);
    assertEquals(ExitKind.INTERRUPTED, kickedWhileSpinning());
  }

  private ExitKind kickedWhileSpinning() {
    try {
      return runWhile(
          vcpu,
          exit,
          () -> {
            sleep(5);
            vcpu.kick();
          });
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void interruptingTheThreadIsNoKick() {
    load(VcpuContract.COUNT);
    Thread.currentThread().interrupt();
    try {
      for (int i = 1; i <= 10; i++) {
        assertEquals(new IoWrite(0x12, 4, i), run());
      }
    } finally {
      assertTrue(Thread.interrupted(), "the interrupt status is still set");
    }
  }

  @Test
  void kickAfterCloseDoesNothing() {
    vcpu.close();
    vcpu.kick();
    vm.close();
    vcpu.kick();
  }
}
