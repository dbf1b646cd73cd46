// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.ExitFrame;

/**
 * A store into a read-only slot, by an instruction that KVM cannot emulate, such as one of AVX. KVM
 * reports the failed emulation and not the store, but passes on why it had to emulate.
 *
 * @see "AMD64 manual volume 2, 15.25.6 (nested page faults)"
 * @see "Intel SDM volume 3, 28.2.1 (exit qualification for EPT violations)"
 */
final class FailedStore {
  /** There was none, or it cannot be told. */
  static final long NONE = -2;

  private static final int SVM_NESTED_PAGE_FAULT = 0x400;
  private static final int SVM_WRITE = 2;

  private static final int VMX_EPT_VIOLATION = 48;
  private static final int VMX_WRITE = 1 << 1;
  private static final int VMX_READABLE = 1 << 3;
  private static final int VMX_WRITABLE = 1 << 4;

  private FailedStore() {}

  /**
   * {@return the address of the store, {@link ExitFrame#UNKNOWN_ADDRESS} if only that there was one
   * is known, or {@link #NONE}}
   *
   * @param run after an exit because of a failed emulation
   * @param memoryByteSize what is outside is no slot
   */
  static long address(KvmRun run, long memoryByteSize) {
    long detail = run.failureInformation(1);
    return switch ((int) run.failureInformation(0)) {
      case SVM_NESTED_PAGE_FAULT -> {
        long address = run.failureInformation(2);
        boolean isSlot = Long.compareUnsigned(address, memoryByteSize) < 0;
        yield isSlot && (detail & SVM_WRITE) != 0 ? address : NONE;
      }
      // What is outside memory is not mapped, what is inside and read-only mostly is.
      case VMX_EPT_VIOLATION ->
          (detail & (VMX_WRITE | VMX_READABLE | VMX_WRITABLE)) == (VMX_WRITE | VMX_READABLE)
              ? ExitFrame.UNKNOWN_ADDRESS
              : NONE;
      default -> NONE;
    };
  }
}
