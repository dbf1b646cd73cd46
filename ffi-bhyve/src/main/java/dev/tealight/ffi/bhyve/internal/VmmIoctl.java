// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static dev.tealight.ffi.posix.FreeBsdIoctl.none;
import static dev.tealight.ffi.posix.FreeBsdIoctl.readWrite;
import static dev.tealight.ffi.posix.FreeBsdIoctl.write;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.tealight.ffi.posix.Ioctl;

/**
 * The requests of vmm, grouped by the descriptor they are made on. The number after the name is the
 * FreeBSD version that brought the form.
 *
 * @see "FreeBSD sys/amd64/include/vmm_dev.h, sys/dev/vmm/vmm_dev.h"
 */
final class VmmIoctl {
  private static final char VMM = 'v';
  private static final char CONTROL = 'V';

  // On /dev/vmmctl.
  static final Ioctl VMMCTL_VM_CREATE =
      readWrite("VMMCTL_VM_CREATE", CONTROL, 0, VmmStructs.VMMCTL_VM_CREATE);
  static final Ioctl VMMCTL_VM_DESTROY =
      readWrite("VMMCTL_VM_DESTROY", CONTROL, 1, VmmStructs.VMMCTL_VM_CREATE);

  // On /dev/vmm/NAME: the VM.
  static final Ioctl ALLOC_MEMSEG_15 = write("VM_ALLOC_MEMSEG", VMM, 14, VmmStructs.MEMSEG_15);
  static final Ioctl ALLOC_MEMSEG_13 = write("VM_ALLOC_MEMSEG", VMM, 14, VmmStructs.MEMSEG_13);
  static final Ioctl MMAP_MEMSEG = write("VM_MMAP_MEMSEG", VMM, 16, VmmStructs.MEMMAP);
  static final Ioctl MUNMAP_MEMSEG = write("VM_MUNMAP_MEMSEG", VMM, 19, VmmStructs.MUNMAP);
  static final Ioctl SUSPEND = write("VM_SUSPEND", VMM, 4, JAVA_INT);
  static final Ioctl REINIT = none("VM_REINIT", VMM, 5);

  // On /dev/vmm/NAME: the devices in the kernel.
  static final Ioctl ISA_ASSERT_IRQ = write("VM_ISA_ASSERT_IRQ", VMM, 80, VmmStructs.ISA_IRQ);
  static final Ioctl ISA_DEASSERT_IRQ = write("VM_ISA_DEASSERT_IRQ", VMM, 81, VmmStructs.ISA_IRQ);
  static final Ioctl ISA_SET_IRQ_TRIGGER =
      write("VM_ISA_SET_IRQ_TRIGGER", VMM, 83, VmmStructs.ISA_IRQ_TRIGGER);
  static final Ioctl RTC_SETTIME = write("VM_RTC_SETTIME", VMM, 102, VmmStructs.RTC_TIME);

  // On /dev/vmm/NAME: a vCPU, whose number comes first in the structure.
  static final Ioctl RUN_14 = write("VM_RUN", VMM, 1, VmmRun.LAYOUT_14);
  static final Ioctl RUN_13 = readWrite("VM_RUN", VMM, 1, VmmRun.LAYOUT_13);
  static final Ioctl SET_CAPABILITY = write("VM_SET_CAPABILITY", VMM, 2, VmmStructs.CAPABILITY);
  static final Ioctl GET_CAPABILITY = readWrite("VM_GET_CAPABILITY", VMM, 3, VmmStructs.CAPABILITY);
  static final Ioctl SET_REGISTER = write("VM_SET_REGISTER", VMM, 20, VmmRegisters.ONE);
  static final Ioctl GET_REGISTER = readWrite("VM_GET_REGISTER", VMM, 21, VmmRegisters.ONE);
  static final Ioctl SET_SEGMENT_DESCRIPTOR =
      write("VM_SET_SEGMENT_DESCRIPTOR", VMM, 22, VmmRegisters.SEGMENT);
  static final Ioctl GET_SEGMENT_DESCRIPTOR =
      readWrite("VM_GET_SEGMENT_DESCRIPTOR", VMM, 23, VmmRegisters.SEGMENT);
  static final Ioctl SET_REGISTER_SET = write("VM_SET_REGISTER_SET", VMM, 24, VmmRegisters.SET);
  static final Ioctl GET_REGISTER_SET = readWrite("VM_GET_REGISTER_SET", VMM, 25, VmmRegisters.SET);
  static final Ioctl GLA2GPA_NOFAULT = readWrite("VM_GLA2GPA_NOFAULT", VMM, 18, VmmStructs.GLA2GPA);
  static final Ioctl INJECT_EXCEPTION = write("VM_INJECT_EXCEPTION", VMM, 30, VmmStructs.EXCEPTION);
  static final Ioctl RESTART_INSTRUCTION = write("VM_RESTART_INSTRUCTION", VMM, 39, JAVA_INT);
  static final Ioctl ACTIVATE_CPU = write("VM_ACTIVATE_CPU", VMM, 90, JAVA_INT);
  static final Ioctl SUSPEND_CPU = write("VM_SUSPEND_CPU", VMM, 92, JAVA_INT);
  static final Ioctl RESUME_CPU = write("VM_RESUME_CPU", VMM, 93, JAVA_INT);

  private VmmIoctl() {}
}
