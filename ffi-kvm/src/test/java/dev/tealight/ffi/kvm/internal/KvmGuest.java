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
import dev.tealight.testkit.X86LongMode;
import java.util.HexFormat;
import java.util.function.Consumer;

/** A VM with one vCPU on a few instructions. */
final class KvmGuest implements AutoCloseable {
  static final long MEMORY_BYTE_SIZE = 4L << 20;
  static final long DATA = 0x100000;

  final Vm vm;
  final Vcpu vcpu;
  final ExitFrame exit = new ExitFrame();

  /**
   * Creates it.
   *
   * @param code the instructions in hex
   * @param registers sets what they start with
   */
  KvmGuest(Hypervisor hypervisor, String code, Consumer<X86CpuState> registers) {
    this(hypervisor.createVm(VmOptions.ofMemory(MEMORY_BYTE_SIZE)), code, registers);
  }

  /** On a VM that is closed with it. */
  KvmGuest(Vm vm, String code, Consumer<X86CpuState> registers) {
    this.vm = vm;
    vcpu = vm.createVcpu();
    X86CpuState state =
        X86LongMode.load(vm.memory(), HexFormat.of().parseHex(code.replace(" ", "")));
    registers.accept(state);
    vcpu.writeState(state);
  }

  KvmGuest(Hypervisor hypervisor, String code) {
    this(hypervisor, code, state -> {});
  }

  ExitKind run() {
    return vcpu.run(exit);
  }

  VmExit next() {
    vcpu.run(exit);
    return exit.snapshot();
  }

  @Override
  public void close() {
    vm.close();
  }
}
