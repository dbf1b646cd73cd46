// SPDX-License-Identifier: ISC
package dev.tealight.solo5;

import dev.tealight.GuestMemory;
import dev.tealight.Vcpu;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.X86Segment;
import dev.tealight.spi.UnprivilegedStart;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The state in which an hvt guest finds an x86-64 processor: 64-bit mode, ring 0, interrupts off,
 * its memory mapped one to one.
 *
 * @see "Intel SDM volume 3, 3.4.5 (segment descriptors), 4.5 (4-level paging)"
 */
final class X86Boot {
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final long GDT = 0x1000;
  private static final long PML4 = 0x2000;
  private static final long PDPT = 0x3000;
  private static final long PD = 0x4000;
  private static final long PT = 0x8000;
  private static final int PD_COUNT = 4;

  /** Free up to the boot info, and absent in the page tables. */
  private static final long SCRATCH = 0x9000;

  private static final int TABLE_BYTE_SIZE = 4096;

  private static final long PRESENT = 1;
  private static final long WRITABLE = 2;
  private static final long LARGE = 0x80;
  private static final long LARGE_PAGE_BYTE_SIZE = 2L << 20;

  /** 64-bit code and data: what the segment registers below hold as descriptors. */
  private static final long GDT_CODE = 0x00af99000000ffffL;

  private static final long GDT_DATA = 0x00cf93000000ffffL;
  private static final int GDT_BYTE_SIZE = 24;
  private static final X86Segment CODE = new X86Segment(0x08, 0, -1, 0xa099);
  private static final X86Segment DATA = new X86Segment(0x10, 0, -1, 0xc093);
  private static final X86Segment TASK = new X86Segment(0, 0, 0, 0x8b);

  private static final long CR0_PE_ET_NE_WP_PG = 0x80010031L;
  private static final long CR4_PAE_OSFXSR_OSXMMEXCPT = 0x620;
  private static final long EFER_LME_LMA = 0x500;
  private static final long RFLAGS_RESERVED = 2;

  private X86Boot() {}

  static void enter(Vcpu vcpu, GuestMemory memory, long guestByteSize, long entry) {
    writeDescriptors(memory.unrestricted());
    writePageTables(memory.unrestricted());
    X86CpuState state = initialState(guestByteSize, entry);
    vcpu.ability(UnprivilegedStart.class)
        .ifPresentOrElse(
            unprivileged -> unprivileged.start(state, SCRATCH), () -> vcpu.writeState(state));
  }

  private static void writeDescriptors(MemorySegment memory) {
    memory.set(LONG, GDT + 8, GDT_CODE);
    memory.set(LONG, GDT + 16, GDT_DATA);
  }

  /**
   * Page 0 and the tables themselves are absent, the rest up to the image is read-only to the
   * guest: what the monitor put there stays as it was put.
   */
  private static void writePageTables(MemorySegment memory) {
    memory.set(LONG, PML4, PDPT | PRESENT | WRITABLE);
    for (int i = 0; i < PD_COUNT; i++) {
      memory.set(LONG, PDPT + 8L * i, PD + (long) TABLE_BYTE_SIZE * i | PRESENT | WRITABLE);
    }
    memory.set(LONG, PD, PT | PRESENT | WRITABLE);
    for (long gpa = LARGE_PAGE_BYTE_SIZE; gpa < memory.byteSize(); gpa += LARGE_PAGE_BYTE_SIZE) {
      memory.set(LONG, PD + gpa / LARGE_PAGE_BYTE_SIZE * 8, gpa | PRESENT | WRITABLE | LARGE);
    }
    for (long gpa = HvtAbi.BOOT_INFO; gpa < LARGE_PAGE_BYTE_SIZE; gpa += TABLE_BYTE_SIZE) {
      long access = gpa < HvtAbi.LOAD_BASE ? PRESENT : PRESENT | WRITABLE;
      memory.set(LONG, PT + gpa / TABLE_BYTE_SIZE * 8, gpa | access);
    }
  }

  private static X86CpuState initialState(long memoryByteSize, long entry) {
    return new X86CpuState()
        .set(X86Register.RIP, entry)
        .set(X86Register.RSP, memoryByteSize - 8)
        .set(X86Register.RDI, HvtAbi.BOOT_INFO)
        .set(X86Register.RFLAGS, RFLAGS_RESERVED)
        .set(X86Register.CR0, CR0_PE_ET_NE_WP_PG)
        .set(X86Register.CR3, PML4)
        .set(X86Register.CR4, CR4_PAE_OSFXSR_OSXMMEXCPT)
        .set(X86Register.EFER, EFER_LME_LMA)
        .set(X86Register.GDT_BASE, GDT)
        .set(X86Register.GDT_LIMIT, GDT_BYTE_SIZE - 1)
        .set(X86Segment.Name.CS, CODE)
        .set(X86Segment.Name.DS, DATA)
        .set(X86Segment.Name.ES, DATA)
        .set(X86Segment.Name.FS, DATA)
        .set(X86Segment.Name.GS, DATA)
        .set(X86Segment.Name.SS, DATA)
        .set(X86Segment.Name.TR, TASK)
        .set(X86Segment.Name.LDTR, X86Segment.UNUSABLE);
  }
}
