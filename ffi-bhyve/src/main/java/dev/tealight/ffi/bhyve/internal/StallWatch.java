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
 * that merely spins has a handler, or changes a register.
 */
final class StallWatch {
  private static final Logger LOG = LoggerFactory.getLogger(StallWatch.class);

  private static final int UNDEFINED_INSTRUCTION = 6;
  private static final int GATE_BYTE_SIZE = 16;
  private static final int GATE_PRESENT = 5;

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
    if (hasHandler(state)) {
      return false;
    }
    LOG.debug("the guest's processor shut down, and the kernel keeps trying: {}", state);
    return true;
  }

  private boolean hasHandler(X86CpuState state) {
    int gate = UNDEFINED_INSTRUCTION * GATE_BYTE_SIZE;
    if (state.get(X86Register.IDT_LIMIT) < gate + GATE_BYTE_SIZE - 1) {
      return false;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment paging = arena.allocate(VmmStructs.GUEST_PAGING);
      paging.set(JAVA_LONG, 0, state.get(X86Register.CR3));
      paging.set(
          JAVA_INT, Fields.offset(VmmStructs.GUEST_PAGING, "cpu_mode"), VmmStructs.CPU_MODE_64BIT);
      paging.set(
          JAVA_INT,
          Fields.offset(VmmStructs.GUEST_PAGING, "paging_mode"),
          VmmStructs.PAGING_MODE_64);
      long gla = state.get(X86Register.IDT_BASE) + gate + GATE_PRESENT;
      long gpa = translation.translate(gla, false, paging);
      GuestMemory memory = vm.memory();
      return gpa != Translation.NOWHERE
          && memory.isReadable(gpa, 1)
          && memory.unrestricted().get(JAVA_BYTE, gpa) < 0; // bit 7: present
    }
  }
}
