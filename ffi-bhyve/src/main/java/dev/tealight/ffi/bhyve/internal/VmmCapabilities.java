// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.tealight.HostCallException;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.ffi.posix.FreeBsdErrno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What a vCPU can be told to come out for, {@code enum vm_cap_type}. Used by the vCPU thread, while
 * the vCPU does not run.
 */
final class VmmCapabilities {
  /** Halts. */
  static final int HALT_EXIT = 0;

  /** After one instruction, on Intel. */
  static final int MTRAP_EXIT = 1;

  /** No exit: code without paging, and in real mode, which processors of Intel may lack. */
  static final int UNRESTRICTED_GUEST = 3;

  /** The instruction INT3. */
  static final int BPT_EXIT = 5;

  /** After one instruction, on AMD: by the guest's trap flag. */
  static final int RFLAGS_TF = 10;

  private static final long TYPE = Fields.offset(VmmStructs.CAPABILITY, "captype");
  private static final long VALUE = Fields.offset(VmmStructs.CAPABILITY, "capval");

  private final Descriptor vm;
  private final MemorySegment argument;

  VmmCapabilities(Descriptor vm, int vcpu, Arena arena) {
    this.vm = vm;
    argument = arena.allocate(VmmStructs.CAPABILITY);
    argument.set(JAVA_INT, 0, vcpu);
  }

  /** {@return whether this kernel has it, on this processor} */
  boolean isOffered(int type) {
    argument.set(JAVA_INT, TYPE, type);
    try {
      vm.ioctl(VmmIoctl.GET_CAPABILITY, argument, this);
      return true;
    } catch (HostCallException e) {
      // The processor lacks it, or the kernel is older than it.
      if (e.errno() != FreeBsdErrno.ENOENT && e.errno() != FreeBsdErrno.EINVAL) {
        throw e;
      }
      return false;
    }
  }

  void set(int type, boolean on) {
    argument.set(JAVA_INT, TYPE, type);
    argument.set(JAVA_INT, VALUE, on ? 1 : 0);
    vm.ioctl(VmmIoctl.SET_CAPABILITY, argument, this);
  }

  /** What the last request was about, for messages. */
  @Override
  public String toString() {
    return "type=%d value=%d"
        .formatted(argument.get(JAVA_INT, TYPE), argument.get(JAVA_INT, VALUE));
  }
}
