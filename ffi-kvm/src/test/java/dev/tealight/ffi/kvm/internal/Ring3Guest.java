// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.Hypervisor;
import dev.tealight.Vcpu;
import dev.tealight.Vm;
import dev.tealight.VmExit;
import dev.tealight.VmOptions;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.ffi.kvm.KvmOptions;
import dev.tealight.ffi.kvm.KvmOptions.Ring3Policy;
import dev.tealight.spi.UnprivilegedStart;
import dev.tealight.testkit.X86LongMode;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;

/** A VM with one vCPU that is started at privilege level 3, on a few instructions. */
final class Ring3Guest implements AutoCloseable {
  static final long MEMORY_BYTE_SIZE = 4L << 20;

  /** What RBX holds at start. */
  static final long DATA = 0x100000;

  /** Free in the memory that {@link X86LongMode} lays out, and mapped by it. */
  static final long SCRATCH = 0x200000 - UnprivilegedStart.SCRATCH_BYTE_SIZE;

  final Vm vm;
  final Vcpu vcpu;
  final ExitFrame exit = new ExitFrame();

  /** Opens KVM, or skips the tests where there is no level 3. */
  static Hypervisor open() {
    return TestKvm.open(KvmOptions.DEFAULT.withRing3(Ring3Policy.ALWAYS));
  }

  Ring3Guest(Hypervisor hypervisor) {
    vm = hypervisor.createVm(VmOptions.ofMemory(MEMORY_BYTE_SIZE));
    vcpu = vm.createVcpu();
  }

  /** Sets it to instructions in hex. */
  void start(String code) {
    start(HexFormat.of().parseHex(code.replace(" ", "")));
  }

  void start(byte[] code) {
    X86CpuState state = X86LongMode.load(vm.memory(), code);
    state.set(X86Register.RBX, DATA);
    state.set(X86Register.CR4, state.get(X86Register.CR4) | 0x600); // OSFXSR, OSXMMEXCPT
    vcpu.ability(UnprivilegedStart.class).orElseThrow().start(state, SCRATCH);
  }

  /** Runs instructions up to their first exit. */
  VmExit run(String code) {
    start(code);
    return next();
  }

  VmExit next() {
    ExitKind kind = vcpu.run(exit);
    while (kind == ExitKind.INTERRUPTED) {
      kind = vcpu.run(exit);
    }
    return exit.snapshot();
  }

  /** Runs on, and kicks the vCPU after a while. */
  ExitKind runAndKick(long millis) throws InterruptedException {
    Thread kicker =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    TimeUnit.MILLISECONDS.sleep(millis);
                  } catch (InterruptedException e) {
                    // The guest ended by itself, and the kick is for nobody.
                  }
                  vcpu.kick();
                });
    ExitKind kind = vcpu.run(exit);
    kicker.interrupt();
    kicker.join();
    return kind;
  }

  long register(X86Register register) {
    return ((X86CpuState) vcpu.readState()).get(register);
  }

  /** Writes the operand of LIDT to {@link #DATA}, for a table behind it. */
  void interruptTable(long table) {
    vm.memory().writeShort(DATA, (short) 0xfff);
    vm.memory().writeLong(DATA + 2, table);
  }

  void handler(long table, int vector, long handler) {
    vm.memory()
        .writeLong(
            table + 16L * vector, (handler & 0xffff) | 0x8e0000080000L | (handler >> 16 << 48));
    vm.memory().writeLong(table + 16L * vector + 8, handler >>> 32);
  }

  @Override
  public void close() {
    vm.close();
  }
}
