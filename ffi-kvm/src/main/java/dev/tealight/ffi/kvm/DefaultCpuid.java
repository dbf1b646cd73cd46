// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm;

import dev.tealight.ffi.kvm.KvmOptions.CpuidEntry;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The default CPUID policy.
 *
 * @see "Intel SDM volume 2A, CPUID; AMD APM volume 3, appendix E; Linux
 *     Documentation/virt/kvm/x86/cpuid.rst"
 */
final class DefaultCpuid {
  private static final int VMX = 1 << 5;
  private static final int SMX = 1 << 6;
  private static final int INITIAL_APIC_ID = 0xff << 24;

  private static final int SGX = 1 << 2;
  private static final int MONITORING = 1 << 12;
  private static final int ALLOCATION = 1 << 15;
  private static final int SGX_LAUNCH_CONTROL = 1 << 30;

  private static final int SVM = 1 << 2;
  private static final int SKINIT = 1 << 12;

  private DefaultCpuid() {}

  static List<CpuidEntry> apply(List<CpuidEntry> supported) {
    List<CpuidEntry> kept = new ArrayList<>();
    for (CpuidEntry entry : supported) {
      CpuidEntry reduced = reduce(entry);
      if (reduced != null) {
        kept.add(reduced);
      }
    }
    return kept;
  }

  /** {@return what guests learn of an answer, or null if they do not get it} */
  private static @Nullable CpuidEntry reduce(CpuidEntry entry) {
    return switch (entry.function()) {
      case 0x1 -> entry.without(0, INITIAL_APIC_ID, VMX | SMX, 0);
      case 0x7 ->
          entry.index() == 0
              ? entry.without(0, SGX | MONITORING | ALLOCATION, SGX_LAUNCH_CONTROL, 0)
              : entry;
      // The extended topology leaves: EDX is the number of the processor that answered.
      case 0xb, 0x1f -> entry.without(0, 0, 0, -1);
      // Cache monitoring, cache allocation, SGX.
      case 0xf, 0x10, 0x12 -> null;
      // "KVMKVMKVM" without a further leaf: a guest may know where it runs, no more.
      case 0x4000_0000 ->
          new CpuidEntry(0x4000_0000, 0, false, 0x4000_0000, entry.ebx(), entry.ecx(), entry.edx());
      // Explicitly nothing: where the leaf is missing, some processors answer with another one's
      // data, which a guest would take for features of KVM.
      case 0x4000_0001 -> new CpuidEntry(0x4000_0001, 0, false, 0, 0, 0, 0);
      case 0x8000_0001 -> entry.without(0, 0, SVM | SKINIT, 0);
      // SVM and SEV.
      case 0x8000_000a, 0x8000_001f -> null;
      default -> entry;
    };
  }
}
