// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static java.lang.foreign.MemoryLayout.paddingLayout;
import static java.lang.foreign.MemoryLayout.sequenceLayout;
import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.StructLayout;

/** The structures of vmm that several requests share or that are too small for a class. */
final class VmmStructs {
  /** The kernel's limit for names, with the zero byte at the end. */
  static final int NAME_ROOM = 230;

  /** {@code vmmctl_vm_destroy} is the same. From 16 on {@code reserved} begins with flags. */
  static final StructLayout VMMCTL_VM_CREATE =
      structLayout(
              sequenceLayout(NAME_ROOM, JAVA_BYTE).withName("name"),
              paddingLayout(2),
              sequenceLayout(16, JAVA_INT).withName("reserved"))
          .withName("vmmctl_vm_create");

  static final StructLayout MEMSEG_13 =
      structLayout(
              JAVA_INT.withName("segid"),
              paddingLayout(4),
              JAVA_LONG.withName("len"),
              sequenceLayout(16, JAVA_BYTE).withName("name"))
          .withName("vm_memseg");

  static final StructLayout MEMSEG_15 =
      structLayout(
              JAVA_INT.withName("segid"),
              paddingLayout(4),
              JAVA_LONG.withName("len"),
              sequenceLayout(16, JAVA_BYTE).withName("name"),
              JAVA_LONG.withName("ds_mask"),
              JAVA_LONG.withName("ds_mask_size"),
              JAVA_INT.withName("ds_policy"),
              paddingLayout(4))
          .withName("vm_memseg");

  static final StructLayout MEMMAP =
      structLayout(
              JAVA_LONG.withName("gpa"),
              JAVA_INT.withName("segid"),
              paddingLayout(4),
              JAVA_LONG.withName("segoff"),
              JAVA_LONG.withName("len"),
              JAVA_INT.withName("prot"),
              JAVA_INT.withName("flags"))
          .withName("vm_memmap");

  static final StructLayout MUNMAP =
      structLayout(JAVA_LONG.withName("gpa"), JAVA_LONG.withName("len")).withName("vm_munmap");

  static final StructLayout CAPABILITY =
      structLayout(
              JAVA_INT.withName("cpuid"),
              JAVA_INT.withName("captype"),
              JAVA_INT.withName("capval"),
              JAVA_INT.withName("allcpus"))
          .withName("vm_capability");

  static final StructLayout EXCEPTION =
      structLayout(
              JAVA_INT.withName("cpuid"),
              JAVA_INT.withName("vector"),
              JAVA_INT.withName("error_code"),
              JAVA_INT.withName("error_code_valid"),
              JAVA_INT.withName("restart_instruction"))
          .withName("vm_exception");

  static final StructLayout GUEST_PAGING =
      structLayout(
              JAVA_LONG.withName("cr3"),
              JAVA_INT.withName("cpl"),
              JAVA_INT.withName("cpu_mode"),
              JAVA_INT.withName("paging_mode"),
              paddingLayout(4))
          .withName("vm_guest_paging");

  static final StructLayout GLA2GPA =
      structLayout(
              JAVA_INT.withName("vcpuid"),
              JAVA_INT.withName("prot"),
              JAVA_LONG.withName("gla"),
              GUEST_PAGING.withName("paging"),
              JAVA_INT.withName("fault"),
              paddingLayout(4),
              JAVA_LONG.withName("gpa"))
          .withName("vm_gla2gpa");

  static final StructLayout ISA_IRQ =
      structLayout(JAVA_INT.withName("atpic_irq"), JAVA_INT.withName("ioapic_irq"))
          .withName("vm_isa_irq");

  static final StructLayout ISA_IRQ_TRIGGER =
      structLayout(JAVA_INT.withName("atpic_irq"), JAVA_INT.withName("trigger"))
          .withName("vm_isa_irq_trigger");

  static final StructLayout RTC_TIME =
      structLayout(JAVA_LONG.withName("secs")).withName("vm_rtc_time");

  static final int PROT_READ = 1;
  static final int PROT_WRITE = 2;
  static final int PROT_EXEC = 4;

  static final int CPU_MODE_PROTECTED = 1;
  static final int CPU_MODE_64BIT = 3;
  static final int PAGING_MODE_FLAT = 0;
  static final int PAGING_MODE_32 = 1;
  static final int PAGING_MODE_PAE = 2;
  static final int PAGING_MODE_64 = 3;

  private VmmStructs() {}
}
