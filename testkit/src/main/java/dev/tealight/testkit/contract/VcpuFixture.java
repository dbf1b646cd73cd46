// SPDX-License-Identifier: ISC

package dev.tealight.testkit.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.Hypervisor;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmExit;
import dev.tealight.VmOptions;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.testkit.X86LongMode;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A VM with a vCPU that runs a few bytes of machine code. */
abstract class VcpuFixture {

  /** Bytes of guest memory. */
  static final long MEMORY_BYTE_SIZE = 4L << 20;

  /** A page of guest memory that holds neither code nor stack nor tables. */
  static final long DATA = 0x100000;

  /** An address that is mapped but has no memory behind it. */
  static final long OUTSIDE = 0x30000000;

  private static final long LOST_KICK_NANOS = TimeUnit.SECONDS.toNanos(60);

  Hypervisor hypervisor;
  Vm vm;
  Vcpu vcpu;
  final ExitFrame exit = new ExitFrame();

  /**
   * {@return the hypervisor to test, to be closed by the suite}
   *
   * <p>A test class of an integration test skips itself where the host lacks what it needs, by
   * {@link org.junit.jupiter.api.Assumptions} with the reason.
   */
  protected abstract Hypervisor open();

  /**
   * Called when code was put into a vCPU.
   *
   * @param target the vCPU
   * @param code the code
   */
  void loaded(Vcpu target, MachineCode code) {}

  @BeforeEach
  void createVmWithVcpu() {
    hypervisor = open();
    vm = hypervisor.createVm(VmOptions.ofMemory(MEMORY_BYTE_SIZE));
    vcpu = vm.createVcpu();
  }

  @AfterEach
  void closeInTheUsualOrder() {
    // If opening was skipped or failed, there is less.
    if (vcpu != null) {
      vcpu.close();
    }
    if (vm != null) {
      vm.close();
    }
    if (hypervisor != null) {
      hypervisor.close();
    }
  }

  /** Makes the vCPU's next instruction the first one of the code. */
  void load(MachineCode code) {
    load(code, state -> {});
  }

  void load(MachineCode code, Consumer<X86CpuState> registers) {
    load(vm, vcpu, code, registers);
  }

  void load(Vm into, Vcpu target, MachineCode code, Consumer<X86CpuState> registers) {
    X86CpuState state = X86LongMode.load(into.memory(), code.bytes());
    registers.accept(state);
    target.writeState(state);
    loaded(target, code);
  }

  /** Runs to the next exit that is not the trace of a kick: one kick may cause a second exit. */
  VmExit run() {
    return run(vcpu, exit);
  }

  static VmExit run(Vcpu target, ExitFrame frame) {
    for (int spurious = 0; spurious < 100; spurious++) {
      ExitKind kind = target.run(frame);
      assertEquals(kind, frame.kind(), "run returns the kind it put into the frame");
      if (kind != ExitKind.INTERRUPTED) {
        return frame.snapshot();
      }
    }
    throw new AssertionError("100 exits by kicks that nobody made");
  }

  long register(X86Register register) {
    return ((X86CpuState) vcpu.readState()).get(register);
  }

  /**
   * Runs while another thread acts, and fails if the run does not end within 60 s. It ends in any
   * case, so that a backend which loses kicks hangs no test.
   */
  ExitKind runWhile(Vcpu target, ExitFrame frame, Runnable action) throws InterruptedException {
    AtomicBoolean ended = new AtomicBoolean();
    AtomicBoolean lost = new AtomicBoolean();
    Thread other =
        Thread.ofPlatform()
            .start(
                () -> {
                  action.run();
                  long deadline = System.nanoTime() + LOST_KICK_NANOS;
                  while (!ended.get()) {
                    if (System.nanoTime() > deadline) {
                      lost.set(true);
                      target.kick();
                    }
                    sleep(1);
                  }
                });
    try {
      return target.run(frame);
    } finally {
      ended.set(true);
      other.join();
      assertTrue(!lost.get(), "the run did not end within 60 s");
    }
  }

  static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
