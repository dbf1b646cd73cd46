// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static java.lang.foreign.MemoryLayout.paddingLayout;
import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;
import java.util.HexFormat;

/**
 * struct kvm_run: the page that a vCPU shares with the kernel, and the data page behind it. The
 * vCPU thread alone uses it, but for {@link #immediateExit}.
 *
 * <p>The kernel's structure holds a union from {@link #UNION} on; each of its members is a layout
 * here.
 */
final class KvmRun {
  static final long UNION = 32;

  static final StructLayout HEADER =
      structLayout(
              JAVA_BYTE.withName("request_interrupt_window"),
              JAVA_BYTE.withName("immediate_exit"),
              paddingLayout(6),
              JAVA_INT.withName("exit_reason"),
              JAVA_BYTE.withName("ready_for_interrupt_injection"),
              JAVA_BYTE.withName("if_flag"),
              JAVA_SHORT.withName("flags"),
              JAVA_LONG.withName("cr8"),
              JAVA_LONG.withName("apic_base"))
          .withName("kvm_run");

  static final StructLayout IO =
      member(
          "io",
          JAVA_BYTE.withName("direction"),
          JAVA_BYTE.withName("size"),
          JAVA_SHORT.withName("port"),
          JAVA_INT.withName("count"),
          JAVA_LONG.withName("data_offset"));

  static final StructLayout MMIO =
      member(
          "mmio",
          JAVA_LONG.withName("phys_addr"),
          JAVA_LONG.withName("data"),
          JAVA_INT.withName("len"),
          JAVA_BYTE.withName("is_write"));

  static final StructLayout DEBUG =
      member(
          "debug",
          JAVA_INT.withName("exception"),
          JAVA_INT.withName("pad"),
          JAVA_LONG.withName("pc"),
          JAVA_LONG.withName("dr6"),
          JAVA_LONG.withName("dr7"));

  static final StructLayout FAIL_ENTRY =
      member("fail_entry", JAVA_LONG.withName("hardware_entry_failure_reason"));

  static final StructLayout INTERNAL =
      member("internal", JAVA_INT.withName("suberror"), JAVA_INT.withName("ndata"));

  static final StructLayout EMULATION_FAILURE =
      member(
          "emulation_failure",
          JAVA_INT.withName("suberror"),
          JAVA_INT.withName("ndata"),
          JAVA_LONG.withName("flags"),
          JAVA_BYTE.withName("insn_size"));

  /** Not in every header that is about: Linux 6.8. */
  static final StructLayout MEMORY_FAULT =
      member("memory_fault", JAVA_LONG.withName("flags"), JAVA_LONG.withName("gpa"));

  static final int DIRECTION_OUT = 1;
  static final int INSTRUCTION_BYTES = 1;

  /** The internal error of an instruction that KVM cannot emulate. */
  static final int EMULATION_FAILED = 1;

  private static final VarHandle VOLATILE_BYTE = JAVA_BYTE.varHandle().withInvokeExactBehavior();

  private static final long REQUEST_INTERRUPT_WINDOW =
      Fields.offset(HEADER, "request_interrupt_window");
  private static final long IMMEDIATE_EXIT = Fields.offset(HEADER, "immediate_exit");
  private static final long EXIT_REASON = Fields.offset(HEADER, "exit_reason");
  private static final long READY_FOR_INTERRUPT =
      Fields.offset(HEADER, "ready_for_interrupt_injection");
  private static final long IF_FLAG = Fields.offset(HEADER, "if_flag");
  private static final long IO_DIRECTION = Fields.offset(IO, "direction");
  private static final long IO_SIZE = Fields.offset(IO, "size");
  private static final long IO_PORT = Fields.offset(IO, "port");
  private static final long IO_COUNT = Fields.offset(IO, "count");
  private static final long IO_DATA_OFFSET = Fields.offset(IO, "data_offset");
  private static final long MMIO_PHYS_ADDR = Fields.offset(MMIO, "phys_addr");
  private static final long MMIO_DATA = Fields.offset(MMIO, "data");
  private static final long MMIO_LEN = Fields.offset(MMIO, "len");
  private static final long MMIO_IS_WRITE = Fields.offset(MMIO, "is_write");
  private static final long DEBUG_EXCEPTION = Fields.offset(DEBUG, "exception");
  private static final long DEBUG_PC = Fields.offset(DEBUG, "pc");
  private static final long DEBUG_DR6 = Fields.offset(DEBUG, "dr6");
  private static final long ENTRY_FAILURE =
      Fields.offset(FAIL_ENTRY, "hardware_entry_failure_reason");
  private static final long SUBERROR = Fields.offset(INTERNAL, "suberror");
  private static final long NDATA = Fields.offset(INTERNAL, "ndata");
  private static final long FAILURE_FLAGS = Fields.offset(EMULATION_FAILURE, "flags");
  private static final long FAILURE_SIZE = Fields.offset(EMULATION_FAILURE, "insn_size");
  private static final long FAULT_GPA = Fields.offset(MEMORY_FAULT, "gpa");
  static final long FAILURE_BYTES = FAILURE_SIZE + JAVA_BYTE.byteSize();
  static final long FAILURE_DATA = FAILURE_FLAGS;
  private static final int FAILURE_BYTES_LIMIT = 15;
  private static final int FAILURE_INFORMATION = 5;
  private static final int FAILURE_DATA_LIMIT = 16;

  private final MemorySegment segment;

  /**
   * Wraps the mapping of a vCPU.
   *
   * @param segment as big as {@code KVM_GET_VCPU_MMAP_SIZE} says
   */
  KvmRun(MemorySegment segment) {
    this.segment = segment;
  }

  private static StructLayout member(String name, MemoryLayout... fields) {
    MemoryLayout[] all = new MemoryLayout[fields.length + 1];
    all[0] = paddingLayout(UNION);
    System.arraycopy(fields, 0, all, 1, fields.length);
    return structLayout(all).withName(name);
  }

  /** Makes every entry to the guest fail with {@code EINTR}, or no longer. Any thread. */
  void immediateExit(boolean wanted) {
    VOLATILE_BYTE.setVolatile(segment, IMMEDIATE_EXIT, (byte) (wanted ? 1 : 0));
  }

  void requestInterruptWindow(boolean wanted) {
    segment.set(JAVA_BYTE, REQUEST_INTERRUPT_WINDOW, (byte) (wanted ? 1 : 0));
  }

  boolean readyForInterrupt() {
    return segment.get(JAVA_BYTE, READY_FOR_INTERRUPT) != 0 && segment.get(JAVA_BYTE, IF_FLAG) != 0;
  }

  int exitReason() {
    return segment.get(JAVA_INT, EXIT_REASON);
  }

  boolean ioIsWrite() {
    return segment.get(JAVA_BYTE, IO_DIRECTION) == DIRECTION_OUT;
  }

  /** {@return bytes of one element: 1, 2 or 4} */
  int ioWidth() {
    return segment.get(JAVA_BYTE, IO_SIZE);
  }

  int ioPort() {
    return segment.get(JAVA_SHORT, IO_PORT) & 0xffff;
  }

  /** {@return the number of elements, more than one for a string instruction} */
  int ioCount() {
    return segment.get(JAVA_INT, IO_COUNT);
  }

  /** {@return where the first element is} */
  long ioDataOffset() {
    return segment.get(JAVA_LONG, IO_DATA_OFFSET);
  }

  /** {@return an element, zero-extended} */
  long ioData(long offset, int width) {
    return switch (width) {
      case 1 -> segment.get(JAVA_BYTE, offset) & 0xffL;
      case 2 -> segment.get(JAVA_SHORT_UNALIGNED, offset) & 0xffffL;
      default -> segment.get(JAVA_INT_UNALIGNED, offset) & 0xffff_ffffL;
    };
  }

  void ioData(long offset, int width, long value) {
    switch (width) {
      case 1 -> segment.set(JAVA_BYTE, offset, (byte) value);
      case 2 -> segment.set(JAVA_SHORT_UNALIGNED, offset, (short) value);
      default -> segment.set(JAVA_INT_UNALIGNED, offset, (int) value);
    }
  }

  long mmioAddress() {
    return segment.get(JAVA_LONG, MMIO_PHYS_ADDR);
  }

  int mmioWidth() {
    return segment.get(JAVA_INT, MMIO_LEN);
  }

  boolean mmioIsWrite() {
    return segment.get(JAVA_BYTE, MMIO_IS_WRITE) != 0;
  }

  /** {@return what was written, zero-extended} */
  long mmioData(int width) {
    return segment.get(JAVA_LONG, MMIO_DATA) & (width >= 8 ? -1L : (1L << (8 * width)) - 1);
  }

  void mmioData(long value) {
    segment.set(JAVA_LONG, MMIO_DATA, value);
  }

  int debugException() {
    return segment.get(JAVA_INT, DEBUG_EXCEPTION);
  }

  long debugAddress() {
    return segment.get(JAVA_LONG, DEBUG_PC);
  }

  /** {@return the debug status register} */
  long debugStatus() {
    return segment.get(JAVA_LONG, DEBUG_DR6);
  }

  long entryFailureReason() {
    return segment.get(JAVA_LONG, ENTRY_FAILURE);
  }

  int internalErrorCode() {
    return segment.get(JAVA_INT, SUBERROR);
  }

  /** {@return the instruction that could not be emulated in hex, or empty if KVM does not tell} */
  String failedInstruction() {
    if (segment.get(JAVA_INT, NDATA) < 3
        || (segment.get(JAVA_LONG, FAILURE_FLAGS) & INSTRUCTION_BYTES) == 0) {
      return "";
    }
    int size = Math.clamp(segment.get(JAVA_BYTE, FAILURE_SIZE), 0, FAILURE_BYTES_LIMIT);
    byte[] bytes = segment.asSlice(FAILURE_BYTES, size).toArray(JAVA_BYTE);
    return HexFormat.ofDelimiter(" ").formatHex(bytes);
  }

  /**
   * {@return a word of what the processor told KVM about an instruction that could not be emulated,
   * or 0 if KVM does not pass it on} Its first word is the reason of the exit, the next two what
   * comes with it. KVM calls this debugging data, and promises nothing.
   */
  long failureInformation(int index) {
    int size = segment.get(JAVA_INT, NDATA);
    boolean hasBytes = (segment.get(JAVA_LONG, FAILURE_FLAGS) & INSTRUCTION_BYTES) != 0;
    int first = hasBytes ? 3 : 1; // behind the flags, and 16 bytes of the instruction
    return size < first + FAILURE_INFORMATION || size > FAILURE_DATA_LIMIT
        ? 0
        : segment.get(JAVA_LONG, FAILURE_DATA + Long.BYTES * (long) (first + index));
  }

  long memoryFaultAddress() {
    return segment.get(JAVA_LONG, FAULT_GPA);
  }
}
