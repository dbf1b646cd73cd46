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

  private static final long EXITCODE = Fields.offset(EXIT, "exitcode");
  private static final long INST_LENGTH = Fields.offset(EXIT, "inst_length");
  private static final long RIP = Fields.offset(EXIT, "rip");
  private static final long FLAGS = Fields.offset(INOUT, "u.inout");
  private static final long PORT = Fields.offset(INOUT, "u.inout.port");
  private static final long EAX = Fields.offset(INOUT, "u.inout.eax");
  private static final long RFLAGS = Fields.offset(INOUT_STR, "u.inout_str.rflags");
  private static final long INDEX = Fields.offset(INOUT_STR, "u.inout_str.index");
  private static final long COUNT = Fields.offset(INOUT_STR, "u.inout_str.count");
  private static final long ADDRSIZE = Fields.offset(INOUT_STR, "u.inout_str.addrsize");
  private static final long SEG_NAME = Fields.offset(INOUT_STR, "u.inout_str.seg_name");
  private static final long SEG_BASE = Fields.offset(INOUT_STR, "u.inout_str.seg_desc");
  private static final long GPA = Fields.offset(INST_EMUL, "u.inst_emul.gpa");
  private static final long VMX_STATUS = Fields.offset(VMX, "u.vmx.status");
  private static final long VMX_REASON = Fields.offset(VMX, "u.vmx.exit_reason");
  private static final long VMX_ERROR = Fields.offset(VMX, "u.vmx.inst_error");
  private static final long SVM_EXITCODE = Fields.offset(SVM, "u.svm.exitcode");
  private static final long SVM_EXITINFO2 = Fields.offset(SVM, "u.svm.exitinfo2");
  private static final long HOW = Fields.offset(SUSPENDED, "u.suspended.how");

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
    return exit.get(JAVA_INT, EXITCODE);
  }

  int instructionLength() {
    return exit.get(JAVA_INT, INST_LENGTH);
  }

  long rip() {
    return exit.get(JAVA_LONG, RIP);
  }

  int ioFlags() {
    return exit.get(JAVA_SHORT, FLAGS);
  }

  int ioPort() {
    return exit.get(JAVA_SHORT, PORT) & 0xffff;
  }

  int ioEax() {
    return exit.get(JAVA_INT, EAX);
  }

  long stringFlags() {
    return exit.get(JAVA_LONG, RFLAGS);
  }

  /** {@return RSI or RDI} */
  long stringIndex() {
    return exit.get(JAVA_LONG, INDEX);
  }

  /** {@return RCX, or 1 without a prefix} */
  long stringCount() {
    return exit.get(JAVA_LONG, COUNT);
  }

  int stringAddressSize() {
    return exit.get(JAVA_INT, ADDRSIZE);
  }

  int stringSegment() {
    return exit.get(JAVA_INT, SEG_NAME);
  }

  long stringSegmentBase() {
    return exit.get(JAVA_LONG, SEG_BASE);
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
    return exit.get(JAVA_LONG, GPA);
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
    return exit.get(JAVA_INT, VMX_STATUS);
  }

  int vmxReason() {
    return exit.get(JAVA_INT, VMX_REASON);
  }

  int vmxError() {
    return exit.get(JAVA_INT, VMX_ERROR);
  }

  long svmExitCode() {
    return exit.get(JAVA_LONG, SVM_EXITCODE);
  }

  long svmExitInfo2() {
    return exit.get(JAVA_LONG, SVM_EXITINFO2);
  }

  int suspendedHow() {
    return exit.get(JAVA_INT, HOW);
  }
}
