// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

/** Why a VM stands still, {@code enum vm_suspend_how}. */
final class VmmSuspend {
  static final int RESET = 1;
  static final int POWEROFF = 2;
  static final int HALT = 3;
  static final int TRIPLEFAULT = 4;
  static final int DESTROY = 5;

  private VmmSuspend() {}
}
