// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static java.lang.foreign.MemoryLayout.paddingLayout;
import static java.lang.foreign.MemoryLayout.sequenceLayout;
import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * The argument of {@code VM_RUN} in both of its forms, and {@code struct vm_exit}, which FreeBSD 13
 * fills inside the argument and later versions fill where the argument points to.
 *
 * <p>The exit holds a union from {@link #UNION} on; each of its members is a layout here. What the
 * kernel does not set of it is left from earlier exits.
 */
final class VmmRun {
  static final long UNION = 16;
  static final long EXIT_BYTE_SIZE = 136;

  static final StructLayout EXIT =
      structLayout(
              JAVA_INT.withName("exitcode"),
              JAVA_INT.withName("inst_length"),
              JAVA_LONG.withName("rip"),
              sequenceLayout(15, JAVA_LONG).withName("u"))
          .withName("vm_exit");

  static final StructLayout LAYOUT_13 =
      structLayout(
              JAVA_INT.withName("cpuid"),
              paddingLayout(4),
              sequenceLayout(EXIT_BYTE_SIZE / 8, JAVA_LONG).withName("vm_exit"))
          .withName("vm_run");

  static final StructLayout LAYOUT_14 =
      structLayout(
              JAVA_INT.withName("cpuid"),
              paddingLayout(4),
              JAVA_LONG.withName("cpuset"),
              JAVA_LONG.withName("cpusetsize"),
              JAVA_LONG.withName("vm_exit"))
          .withName("vm_run");

  /** The flags are bit fields of 16 bits before the port. */
  static final StructLayout INOUT =
      member(
          JAVA_SHORT.withName("u.inout"),
          JAVA_SHORT.withName("u.inout.port"),
          JAVA_INT.withName("u.inout.eax"));

  static final StructLayout INOUT_STR =
      member(
          JAVA_SHORT.withName("u.inout_str"),
          paddingLayout(6),
          VmmStructs.GUEST_PAGING.withName("u.inout_str.paging"),
          JAVA_LONG.withName("u.inout_str.rflags"),
          JAVA_LONG.withName("u.inout_str.cr0"),
          JAVA_LONG.withName("u.inout_str.index"),
          JAVA_LONG.withName("u.inout_str.count"),
          JAVA_INT.withName("u.inout_str.addrsize"),
          JAVA_INT.withName("u.inout_str.seg_name"),
          JAVA_LONG.withName("u.inout_str.seg_desc"));

  static final StructLayout INST_EMUL =
      member(
          JAVA_LONG.withName("u.inst_emul.gpa"),
          JAVA_LONG.withName("u.inst_emul.gla"),
          JAVA_LONG.withName("u.inst_emul.cs_base"),
          JAVA_INT.withName("u.inst_emul.cs_d"),
          paddingLayout(4),
          VmmStructs.GUEST_PAGING.withName("u.inst_emul.paging"),
          sequenceLayout(15, JAVA_BYTE).withName("u.inst_emul.vie"));

  static final StructLayout VMX =
      member(
          JAVA_INT.withName("u.vmx.status"),
          JAVA_INT.withName("u.vmx.exit_reason"),
          JAVA_LONG.withName("u.vmx.exit_qualification"),
          JAVA_INT.withName("u.vmx.inst_type"),
          JAVA_INT.withName("u.vmx.inst_error"));

  static final StructLayout SVM =
      member(
          JAVA_LONG.withName("u.svm.exitcode"),
          JAVA_LONG.withName("u.svm.exitinfo1"),
          JAVA_LONG.withName("u.svm.exitinfo2"));

  static final StructLayout SUSPENDED = member(JAVA_INT.withName("u.suspended.how"));

  // Of the flags of a port access; the bits above the last are left from earlier exits.
  static final int WIDTH = 0x7;
  static final int IN = 1 << 3;
  static final int REPEAT = 1 << 5;

  /** Of {@code struct vie}, which begins with the bytes of the instruction. */
  static final long VIE_NUM_VALID = 15;

  static final long VIE_DECODED = 56;
  static final int VIE_INST_SIZE = 15;

  private static final long INSTRUCTION = Fields.offset(INST_EMUL, "u.inst_emul.vie");
  private static final long MODE = Fields.offset(VmmStructs.GUEST_PAGING, "cpu_mode");
  private static final long PAGING = Fields.offset(INOUT_STR, "u.inout_str.paging");
  private static final long EMULATED_MODE = Fields.offset(INST_EMUL, "u.inst_emul.paging") + MODE;

  private static final VarHandle EXITCODE = Fields.handle(EXIT, "exitcode");
  private static final VarHandle INST_LENGTH = Fields.handle(EXIT, "inst_length");
  private static final VarHandle RIP = Fields.handle(EXIT, "rip");
  private static final VarHandle FLAGS = Fields.handle(INOUT, "u.inout");
  private static final VarHandle PORT = Fields.handle(INOUT, "u.inout.port");
  private static final VarHandle EAX = Fields.handle(INOUT, "u.inout.eax");
  private static final VarHandle RFLAGS = Fields.handle(INOUT_STR, "u.inout_str.rflags");
  private static final VarHandle INDEX = Fields.handle(INOUT_STR, "u.inout_str.index");
  private static final VarHandle COUNT = Fields.handle(INOUT_STR, "u.inout_str.count");
  private static final VarHandle ADDRSIZE = Fields.handle(INOUT_STR, "u.inout_str.addrsize");
  private static final VarHandle SEG_NAME = Fields.handle(INOUT_STR, "u.inout_str.seg_name");
  private static final VarHandle SEG_BASE = Fields.handle(INOUT_STR, "u.inout_str.seg_desc");
  private static final VarHandle GPA = Fields.handle(INST_EMUL, "u.inst_emul.gpa");
  private static final VarHandle VMX_STATUS = Fields.handle(VMX, "u.vmx.status");
  private static final VarHandle VMX_REASON = Fields.handle(VMX, "u.vmx.exit_reason");
  private static final VarHandle VMX_ERROR = Fields.handle(VMX, "u.vmx.inst_error");
  private static final VarHandle SVM_EXITCODE = Fields.handle(SVM, "u.svm.exitcode");
  private static final VarHandle SVM_EXITINFO1 = Fields.handle(SVM, "u.svm.exitinfo1");
  private static final VarHandle SVM_EXITINFO2 = Fields.handle(SVM, "u.svm.exitinfo2");
  private static final VarHandle HOW = Fields.handle(SUSPENDED, "u.suspended.how");

  private final MemorySegment argument13;
  private final MemorySegment argument14;
  private final MemorySegment exit;

  /** Allocates both forms, sharing one exit. No set of processors: nothing asks for one. */
  VmmRun(int vcpu, Arena arena) {
    argument13 = arena.allocate(LAYOUT_13);
    exit = argument13.asSlice(Fields.offset(LAYOUT_13, "vm_exit"), EXIT_BYTE_SIZE);
    argument14 = arena.allocate(LAYOUT_14);
    argument13.set(JAVA_INT, Fields.offset(LAYOUT_13, "cpuid"), vcpu);
    argument14.set(JAVA_INT, Fields.offset(LAYOUT_14, "cpuid"), vcpu);
    argument14.set(JAVA_LONG, Fields.offset(LAYOUT_14, "vm_exit"), exit.address());
  }

  private static StructLayout member(MemoryLayout... fields) {
    MemoryLayout[] all = new MemoryLayout[fields.length + 1];
    all[0] = paddingLayout(UNION);
    System.arraycopy(fields, 0, all, 1, fields.length);
    return structLayout(all).withName("vm_exit");
  }

  /** {@return the address of the argument} */
  long argument(boolean embedded) {
    return embedded ? argument13.address() : argument14.address();
  }

  int exitCode() {
    return (int) EXITCODE.get(exit);
  }

  int instructionLength() {
    return (int) INST_LENGTH.get(exit);
  }

  long rip() {
    return (long) RIP.get(exit);
  }

  int ioFlags() {
    return (short) FLAGS.get(exit);
  }

  int ioPort() {
    return (short) PORT.get(exit) & 0xffff;
  }

  int ioEax() {
    return (int) EAX.get(exit);
  }

  long stringFlags() {
    return (long) RFLAGS.get(exit);
  }

  /** {@return RSI or RDI} */
  long stringIndex() {
    return (long) INDEX.get(exit);
  }

  /** {@return RCX, or 1 without a prefix} */
  long stringCount() {
    return (long) COUNT.get(exit);
  }

  int stringAddressSize() {
    return (int) ADDRSIZE.get(exit);
  }

  int stringSegment() {
    return (int) SEG_NAME.get(exit);
  }

  long stringSegmentBase() {
    return (long) SEG_BASE.get(exit);
  }

  /** {@return how the guest translated addresses at a string instruction} */
  MemorySegment stringPaging() {
    return exit.asSlice(PAGING, VmmStructs.GUEST_PAGING.byteSize());
  }

  int stringMode() {
    return exit.get(JAVA_INT, PAGING + MODE);
  }

  /** {@return the guest physical address of an access outside the mappings} */
  long emulatedAddress() {
    return (long) GPA.get(exit);
  }

  int emulatedMode() {
    return exit.get(JAVA_INT, EMULATED_MODE);
  }

  /** {@return whether the kernel understood the instruction; if not, it would come again} */
  boolean isDecoded() {
    return exit.get(JAVA_BYTE, INSTRUCTION + VIE_DECODED) != 0;
  }

  /** {@return how many bytes of the instruction there are} */
  int instructionBytes() {
    return Math.clamp(exit.get(JAVA_BYTE, INSTRUCTION + VIE_NUM_VALID), 0, VIE_INST_SIZE);
  }

  /** {@return a byte of the instruction, unsigned} */
  int instructionByte(int index) {
    return exit.get(JAVA_BYTE, INSTRUCTION + index) & 0xff;
  }

  int vmxStatus() {
    return (int) VMX_STATUS.get(exit);
  }

  int vmxReason() {
    return (int) VMX_REASON.get(exit);
  }

  int vmxError() {
    return (int) VMX_ERROR.get(exit);
  }

  long svmExitCode() {
    return (long) SVM_EXITCODE.get(exit);
  }

  long svmExitInfo1() {
    return (long) SVM_EXITINFO1.get(exit);
  }

  long svmExitInfo2() {
    return (long) SVM_EXITINFO2.get(exit);
  }

  int suspendedHow() {
    return (int) HOW.get(exit);
  }
}
