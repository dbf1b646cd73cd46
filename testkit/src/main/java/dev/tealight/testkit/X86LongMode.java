// SPDX-License-Identifier: ISC

package dev.tealight.testkit;

import dev.tealight.GuestMemory;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.X86Segment;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Puts an x86-64 vCPU into 64-bit mode without an image: for tests that run a few bytes of machine
 * code, and for monitors that want to try one.
 *
 * <p>Privilege level 0, no interrupts, no IDT (an exception is a triple fault), no SSE. The lowest
 * GiB of addresses is mapped to itself, memory or not, writable and executable.
 *
 * <pre>
 * 0x1000  GDT
 * 0x2000  page tables, up to 0x5000
 * 0x10000 CODE
 * 0x80000 STACK_TOP
 * </pre>
 */
public final class X86LongMode {

  /** Where {@link #load} puts code. */
  public static final long CODE = 0x10000;

  /** Where the stack begins, growing downwards. */
  public static final long STACK_TOP = 0x80000;

  /** The first address that is not mapped. */
  public static final long MAPPED_END = 1L << 30;

  private static final long GDT = 0x1000;
  private static final long PML4 = 0x2000;
  private static final long PDPT = 0x3000;
  private static final long PAGE_DIRECTORY = 0x4000;

  private static final long PRESENT_WRITABLE = 0x3;
  private static final long LARGE_PAGE = 0x80;
  private static final long LARGE_PAGE_BYTE_SIZE = 2L << 20;

  private static final long CODE_DESCRIPTOR = 0x00af9b000000ffffL;
  private static final long DATA_DESCRIPTOR = 0x00cf93000000ffffL;

  private static final X86Segment CODE_SEGMENT = new X86Segment(0x8, 0, -1, 0xa09b);
  private static final X86Segment DATA_SEGMENT = new X86Segment(0x10, 0, -1, 0xc093);
  private static final X86Segment TASK_SEGMENT = new X86Segment(0, 0, 0x67, 0x8b);

  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private X86LongMode() {}

  /**
   * Writes tables and code.
   *
   * @param memory of at least {@link #STACK_TOP} bytes
   * @param code copied to {@link #CODE}
   * @return the state that starts it; may be changed before it is given to the vCPU
   */
  public static X86CpuState load(GuestMemory memory, byte[] code) {
    MemorySegment bytes = memory.unrestricted();
    bytes.set(LONG, GDT + 0x8, CODE_DESCRIPTOR);
    bytes.set(LONG, GDT + 0x10, DATA_DESCRIPTOR);
    bytes.set(LONG, PML4, PDPT | PRESENT_WRITABLE);
    bytes.set(LONG, PDPT, PAGE_DIRECTORY | PRESENT_WRITABLE);
    for (long gpa = 0; gpa < MAPPED_END; gpa += LARGE_PAGE_BYTE_SIZE) {
      bytes.set(
          LONG,
          PAGE_DIRECTORY + gpa / LARGE_PAGE_BYTE_SIZE * Long.BYTES,
          gpa | PRESENT_WRITABLE | LARGE_PAGE);
    }
    MemorySegment.copy(code, 0, bytes, ValueLayout.JAVA_BYTE, CODE, code.length);
    return state();
  }

  private static X86CpuState state() {
    X86CpuState state =
        new X86CpuState()
            .set(X86Register.RIP, CODE)
            .set(X86Register.RSP, STACK_TOP)
            .set(X86Register.RFLAGS, 0x2)
            .set(X86Register.CR0, 0x80000011L) // PG, ET, PE
            .set(X86Register.CR3, PML4)
            .set(X86Register.CR4, 0x20) // PAE
            .set(X86Register.EFER, 0x500) // LMA, LME
            .set(X86Register.GDT_BASE, GDT)
            .set(X86Register.GDT_LIMIT, 0x17)
            .set(X86Segment.Name.CS, CODE_SEGMENT)
            .set(X86Segment.Name.TR, TASK_SEGMENT);
    for (X86Segment.Name name :
        new X86Segment.Name[] {
          X86Segment.Name.DS,
          X86Segment.Name.ES,
          X86Segment.Name.FS,
          X86Segment.Name.GS,
          X86Segment.Name.SS
        }) {
      state.set(name, DATA_SEGMENT);
    }
    return state;
  }
}
