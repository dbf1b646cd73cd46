// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

/**
 * The reasons in {@code kvm_run.exit_reason} that this backend gives a meaning. KVM has more: those
 * belong to other processors or to features that are never switched on.
 */
final class KvmExit {
  static final int IO = 2;
  static final int DEBUG = 4;
  static final int HLT = 5;
  static final int MMIO = 6;
  static final int IRQ_WINDOW_OPEN = 7;
  static final int SHUTDOWN = 8;
  static final int FAIL_ENTRY = 9;
  static final int INTR = 10;

  /** The guest lowered CR8, which a controller in user space would want to know. */
  static final int SET_TPR = 11;

  static final int INTERNAL_ERROR = 17;

  /** Comes with {@code EFAULT}; not in every header that is about: Linux 6.8. */
  static final int MEMORY_FAULT = 39;

  private KvmExit() {}
}
