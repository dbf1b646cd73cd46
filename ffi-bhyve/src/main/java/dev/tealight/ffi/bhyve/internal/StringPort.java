// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.GuestMemory;
import dev.tealight.ffi.posix.Descriptor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The string instructions INS and OUTS, in 64-bit mode, an element at a time: while elements are
 * left, the instruction is started again, and the kernel reports it with what is left.
 */
final class StringPort {
  private static final long DIRECTION_FLAG = 1 << 10;
  private static final long PAGE_OFFSET = GuestMemory.PAGE_BYTE_SIZE - 1;
  private static final int ADDRESS_64 = 8;

  private final Descriptor vm;
  private final MemorySegment number;
  private final VmmRun run;
  private final VmmRegisters registers;
  private final GuestMemory memory;
  private final Translation translation;

  /** Where the element goes that is being read. */
  private long target;

  /** Elements are left: the instruction was started again. */
  private boolean repeating;

  StringPort(
      Descriptor vm,
      MemorySegment number,
      VmmRun run,
      VmmRegisters registers,
      GuestMemory memory,
      Translation translation) {
    this.vm = vm;
    this.number = number;
    this.run = run;
    this.registers = registers;
    this.memory = memory;
    this.translation = translation;
  }

  /** {@return the access of the next element, or null if there is none} */
  @Nullable ExitKind next(ExitFrame exit) {
    int flags = run.ioFlags();
    int width = flags & VmmRun.WIDTH;
    boolean in = (flags & VmmRun.IN) != 0;
    if (run.stringCount() == 0) {
      return null;
    }
    if (run.stringMode() != VmmStructs.CPU_MODE_64BIT || (width != 1 && width != 2 && width != 4)) {
      return exit.event(ExitKind.INTERNAL_ERROR, run.rip(), VmmExit.INOUT_STR);
    }
    long gla = cut(run.stringIndex());
    int segment = run.stringSegment();
    if (!in && (segment == VmmRegisters.FS || segment == VmmRegisters.GS)) {
      gla += run.stringSegmentBase();
    }
    long gpa = translation.translate(gla, in, run.stringPaging());
    if (gpa == Translation.NOWHERE || (gpa & PAGE_OFFSET) + width > GuestMemory.PAGE_BYTE_SIZE) {
      return exit.event(ExitKind.INTERNAL_ERROR, run.rip(), VmmExit.INOUT_STR);
    }
    if (in ? !memory.isWritable(gpa, width) : !memory.isReadable(gpa, width)) {
      return exit.event(ExitKind.PROTECTION_FAULT, gpa, 0);
    }
    if (in) {
      target = gpa;
      return exit.access(ExitKind.IO_READ, run.ioPort(), width, -1L >>> (64 - 8 * width));
    }
    long value = load(gpa, width);
    advance(VmmRegisters.RSI, width);
    return exit.access(ExitKind.IO_WRITE, run.ioPort(), width, value);
  }

  /** Stores the element that was read. */
  void complete(long value) {
    MemorySegment bytes = memory.unrestricted();
    int width = run.ioFlags() & VmmRun.WIDTH;
    switch (width) {
      case 1 -> bytes.set(JAVA_BYTE, target, (byte) value);
      case 2 -> bytes.set(JAVA_SHORT_UNALIGNED, target, (short) value);
      default -> bytes.set(JAVA_INT_UNALIGNED, target, (int) value);
    }
    advance(VmmRegisters.RDI, width);
  }

  /** {@return whether elements are left, so that the instruction comes again} */
  boolean isRepeating() {
    return repeating;
  }

  private long load(long gpa, int width) {
    MemorySegment bytes = memory.unrestricted();
    return switch (width) {
      case 1 -> bytes.get(JAVA_BYTE, gpa) & 0xffL;
      case 2 -> bytes.get(JAVA_SHORT_UNALIGNED, gpa) & 0xffffL;
      default -> bytes.get(JAVA_INT_UNALIGNED, gpa) & 0xffff_ffffL;
    };
  }

  private void advance(int index, int width) {
    repeating = false;
    boolean down = (run.stringFlags() & DIRECTION_FLAG) != 0;
    registers.set(index, cut(run.stringIndex() + (down ? -width : width)));
    if ((run.ioFlags() & VmmRun.REPEAT) != 0) {
      long left = cut(run.stringCount() - 1);
      registers.set(VmmRegisters.RCX, left);
      if (left != 0) {
        vm.ioctl(VmmIoctl.RESTART_INSTRUCTION, number, "");
        repeating = true;
      }
    }
  }

  private long cut(long value) {
    return run.stringAddressSize() == ADDRESS_64 ? value : value & 0xffff_ffffL;
  }
}
