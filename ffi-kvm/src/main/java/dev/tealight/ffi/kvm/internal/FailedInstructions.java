// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.HypervisorUnavailableException;
import dev.tealight.X86CpuState;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.spi.GuestArchitecture;
import dev.tealight.spi.InstructionCompleter;
import java.lang.foreign.Arena;
import java.util.ServiceLoader;

/** Has instructions that KVM could not emulate executed by somebody else. */
final class FailedInstructions {
  private final InstructionCompleter completer;
  private final KvmXsave vectors;

  /**
   * Finds who executes them.
   *
   * @param arena of the vCPU
   */
  FailedInstructions(Arena arena) {
    completer = find();
    vectors = new KvmXsave(arena);
  }

  /**
   * {@return somebody who executes instructions}
   *
   * @throws HypervisorUnavailableException if there is nobody
   */
  static InstructionCompleter find() {
    for (InstructionCompleter found :
        ServiceLoader.load(InstructionCompleter.class, FailedInstructions.class.getClassLoader())) {
      if (found.architecture() == GuestArchitecture.X86_64) {
        return found;
      }
    }
    throw new HypervisorUnavailableException(
        "kvm: instructions cannot be completed: nothing on the path executes them: add"
            + " tealight-softcpu");
  }

  /** {@return whether the vCPU now stands behind the instruction} */
  boolean complete(KvmVcpu vcpu, Descriptor descriptor, KvmVm vm) {
    X86CpuState state = vcpu.readState();
    descriptor.ioctl(KvmIoctl.GET_XSAVE, vectors.segment(), "");
    if (!completer.complete(state, vectors.legacy(), vm.memory())) {
      return false;
    }
    vectors.legacyChanged();
    vcpu.writeState(state);
    descriptor.ioctl(KvmIoctl.SET_XSAVE, vectors.segment(), "");
    return true;
  }
}
