// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.tealight.HostCallException;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.FreeBsdErrno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Asks the kernel where the guest's linear addresses lead, without disturbing the guest. */
final class Translation {
  /** What is given for an address that leads nowhere. */
  static final long NOWHERE = -1;

  private static final long PROT = Fields.offset(VmmStructs.GLA2GPA, "prot");
  private static final long GLA = Fields.offset(VmmStructs.GLA2GPA, "gla");
  private static final long PAGING = Fields.offset(VmmStructs.GLA2GPA, "paging");
  private static final long FAULT = Fields.offset(VmmStructs.GLA2GPA, "fault");
  private static final long GPA = Fields.offset(VmmStructs.GLA2GPA, "gpa");

  private final Descriptor vm;
  private final MemorySegment argument;

  Translation(Descriptor vm, int vcpu, Arena arena) {
    this.vm = vm;
    argument = arena.allocate(VmmStructs.GLA2GPA);
    argument.set(JAVA_INT, 0, vcpu);
  }

  /**
   * {@return the guest physical address, or {@link #NOWHERE}}
   *
   * @param gla linear address
   * @param write whether it is to be written
   * @param paging how the guest translates, a {@code vm_guest_paging}
   */
  long translate(long gla, boolean write, MemorySegment paging) {
    argument.set(JAVA_INT, PROT, write ? VmmStructs.PROT_WRITE : VmmStructs.PROT_READ);
    argument.set(JAVA_LONG, GLA, gla);
    MemorySegment.copy(paging, 0, argument, PAGING, VmmStructs.GUEST_PAGING.byteSize());
    try {
      vm.ioctl(VmmIoctl.GLA2GPA_NOFAULT, argument, this);
    } catch (HostCallException e) {
      if (e.errno() != FreeBsdErrno.EFAULT) {
        throw e;
      }
      return NOWHERE; // the guest's page tables lead out of its memory
    }
    return argument.get(JAVA_INT, FAULT) != 0 ? NOWHERE : argument.get(JAVA_LONG, GPA);
  }

  @Override
  public String toString() {
    return "gla=0x%x".formatted(argument.get(JAVA_LONG, GLA));
  }
}
