// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.GuestMemory;
import dev.tealight.HostCallException;
import dev.tealight.ffi.kvm.KvmOptions.Ring3Policy;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * At which privilege level guests start, found by running a few instructions.
 *
 * @param isUsed true for level 3
 * @param reason why
 */
record Ring3Probe(boolean isUsed, String reason) {
  private static final long PML4 = 0x1000;
  private static final long PDPT = 0x2000;
  private static final long PD = 0x3000;
  private static final long PT = 0x4000;
  private static final long CODE = 0x5000;
  private static final long SCRATCH = 0x6000;
  private static final long MEMORY_BYTE_SIZE = 0x10000;
  private static final long PRESENT_WRITABLE = 3;

  /** mulps %xmm1, %xmm0; cli; hlt: it halts if the first two work. */
  private static final byte[] INSTRUCTIONS = {0x0f, 0x59, (byte) 0xc1, (byte) 0xfa, (byte) 0xf4};

  /**
   * {@return the answer for a host}
   *
   * @throws HostCallException if the host fails at what every guest needs, which tells nothing
   */
  static Ring3Probe of(KvmHypervisor hypervisor, Ring3Policy policy) {
    if (policy == Ring3Policy.NEVER) {
      return new Ring3Probe(false, "the options say so");
    }
    try (KvmVm vm = hypervisor.ownVm(MEMORY_BYTE_SIZE)) {
      fill(vm.memory().unrestricted());
      KvmVcpu vcpu = vm.newVcpu();
      if (policy == Ring3Policy.AUTO) {
        vcpu.writeState(LongMode.at(CODE, PML4));
        if (halts(vcpu)) {
          return new Ring3Probe(false, "this KVM executes SSE there");
        }
      }
      return tried(vcpu, policy);
    }
  }

  private static Ring3Probe tried(KvmVcpu vcpu, Ring3Policy policy) {
    try {
      vcpu.start(LongMode.at(CODE, PML4), SCRATCH);
      if (!halts(vcpu)) {
        return new Ring3Probe(false, "this KVM does not stop at privileged instructions");
      }
    } catch (HostCallException e) {
      return new Ring3Probe(false, "the probe failed: " + e.getMessage());
    }
    return new Ring3Probe(
        true,
        policy == Ring3Policy.AUTO ? "this KVM executes no SSE at level 0" : "the options say so");
  }

  int level() {
    return isUsed ? 3 : 0;
  }

  private static void fill(MemorySegment memory) {
    memory.set(ValueLayout.JAVA_LONG, PML4, PDPT | PRESENT_WRITABLE);
    memory.set(ValueLayout.JAVA_LONG, PDPT, PD | PRESENT_WRITABLE);
    memory.set(ValueLayout.JAVA_LONG, PD, PT | PRESENT_WRITABLE);
    memory.set(
        ValueLayout.JAVA_LONG,
        PT + CODE / GuestMemory.PAGE_BYTE_SIZE * Long.BYTES,
        CODE | PRESENT_WRITABLE);
    MemorySegment.copy(INSTRUCTIONS, 0, memory, ValueLayout.JAVA_BYTE, CODE, INSTRUCTIONS.length);
  }

  private static boolean halts(KvmVcpu vcpu) {
    return vcpu.run(new ExitFrame()) == ExitKind.HALT;
  }
}
