// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

/** The exit codes of vmm, {@code enum vm_exitcode}, that this backend gives a meaning. */
final class VmmExit {
  static final int INOUT = 0;
  static final int VMX = 1;
  static final int BOGUS = 2;
  static final int RDMSR = 3;
  static final int WRMSR = 4;
  static final int HLT = 5;
  static final int MTRAP = 6;
  static final int PAUSE = 7;
  static final int INST_EMUL = 9;
  static final int SUSPENDED = 14;
  static final int INOUT_STR = 15;
  static final int SVM = 19;
  static final int REQIDLE = 20;
  static final int DEBUG = 21;
  static final int BPT = 23;
  static final int DB = 25;

  private VmmExit() {}
}
