// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.tealight.GuestMemory;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Recognises a guest whose processor shut down. On AMD the kernel answers that by raising an
 * exception, which shuts the processor down again, and so on: all that comes out is that the thread
 * was interrupted. Such a guest keeps all its registers, and has no handler for the exception; one
 * that merely spins has a handler, changes a register, or waits for an interrupt.
 */
final class StallWatch {
  private static final Logger LOG = LoggerFactory.getLogger(StallWatch.class);

  private static final int UNDEFINED_INSTRUCTION = 6;
  private static final int VECTOR_BYTE_SIZE = 4;
  private static final int GATE_BYTE_SIZE = 16;
  private static final int GATE_PRESENT = 5;
  private static final long INTERRUPT_FLAG = 1 << 9; // in RFLAGS
  private static final long PROTECTION = 1; // in CR0
  private static final long PHYSICAL_ADDRESS_EXTENSION = 1 << 5; // in CR4
  private static final long LONG_MODE_ACTIVE = 1 << 10; // in EFER

  private final long limitNanos;
  private final VmmRegisters registers;
  private final Translation translation;
  private final BhyveVm vm;

  private boolean watching;
  private long rip;
  private long since;
  private @Nullable X86CpuState before;

  StallWatch(Duration limit, VmmRegisters registers, Translation translation, BhyveVm vm) {
    limitNanos = limit.toNanos();
    this.registers = registers;
    this.translation = translation;
    this.vm = vm;
  }

  /** A run begins. */
  void begin() {
    watching = false;
  }

  /**
   * The run was interrupted for a reason of the host.
   *
   * @param at where the guest was
   * @return whether it will never go on
   */
  boolean isForGood(long at) {
    long now = System.nanoTime();
    if (!watching || at != rip) {
      watching = true;
      rip = at;
      since = now;
      before = null;
      return false;
    }
    X86CpuState then = before;
    if (now - since < (then == null ? limitNanos / 2 : limitNanos)) {
      return false;
    }
    X86CpuState state = registers.read();
    if (then == null || !then.equals(state)) {
      before = state;
      since = then == null ? since : now - limitNanos / 2;
      return false;
    }
    since = now; // not to look again at once
    boolean takesInterrupts = (state.get(X86Register.RFLAGS) & INTERRUPT_FLAG) != 0;
    if (takesInterrupts || hasHandler(state)) {
      return false;
    }
    LOG.debug("the guest's processor shut down, and the kernel keeps trying: {}", state);
    return true;
  }

  private boolean hasHandler(X86CpuState state) {
    if ((state.get(X86Register.CR0) & PROTECTION) == 0) { // real mode, where each vector is one
      return state.get(X86Register.IDT_LIMIT) >= (UNDEFINED_INSTRUCTION + 1) * VECTOR_BYTE_SIZE - 1;
    }
    boolean longMode = (state.get(X86Register.EFER) & LONG_MODE_ACTIVE) != 0;
    int byteSize = longMode ? GATE_BYTE_SIZE : GATE_BYTE_SIZE / 2;
    int gate = UNDEFINED_INSTRUCTION * byteSize;
    if (state.get(X86Register.IDT_LIMIT) < gate + byteSize - 1) {
      return false;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment paging = arena.allocate(VmmStructs.GUEST_PAGING);
      paging.set(JAVA_LONG, 0, state.get(X86Register.CR3));
      paging.set(
          JAVA_INT,
          Fields.offset(VmmStructs.GUEST_PAGING, "cpu_mode"),
          longMode ? VmmStructs.CPU_MODE_64BIT : VmmStructs.CPU_MODE_PROTECTED);
      paging.set(
          JAVA_INT,
          Fields.offset(VmmStructs.GUEST_PAGING, "paging_mode"),
          longMode ? VmmStructs.PAGING_MODE_64 : pagingMode(state));
      long gla = state.get(X86Register.IDT_BASE) + gate + GATE_PRESENT;
      long gpa = translation.translate(gla, false, paging);
      GuestMemory memory = vm.memory();
      return gpa != Translation.NOWHERE
          && memory.isReadable(gpa, 1)
          && memory.unrestricted().get(JAVA_BYTE, gpa) < 0; // bit 7: present
    }
  }

  private static int pagingMode(X86CpuState state) {
    if ((state.get(X86Register.CR0) & VmmRegisters.CR0_PAGING) == 0) {
      return VmmStructs.PAGING_MODE_FLAT;
    }
    boolean extended = (state.get(X86Register.CR4) & PHYSICAL_ADDRESS_EXTENSION) != 0;
    return extended ? VmmStructs.PAGING_MODE_PAE : VmmStructs.PAGING_MODE_32;
  }
}
