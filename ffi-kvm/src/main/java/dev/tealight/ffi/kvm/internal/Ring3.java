// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import static dev.tealight.spi.UnprivilegedStart.SCRATCH_BYTE_SIZE;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.GuestAccessException;
import dev.tealight.GuestMemory;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.X86Segment;
import dev.tealight.ffi.kvm.internal.PrivilegedInstruction.Kind;
import dev.tealight.ffi.kvm.internal.Ring3Instructions.Outcome;
import dev.tealight.ffi.posix.Descriptor;
import dev.tealight.spi.UnprivilegedStart;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A guest at privilege level 3 that believes to be at level 0. KVM stops it at each exception and
 * at each privileged instruction; here the instruction is carried out, or the exception is handed
 * to the guest's own handler. The page docs/ring3-start.md tells what a guest can notice.
 *
 * <p>Nothing here can widen what the guest reaches: it lives behind the same memory slots as any
 * other, and what is done for it is done to its own registers and memory.
 */
final class Ring3 {
  private static final Logger LOG = LoggerFactory.getLogger(Ring3.class);

  private static final X86Segment CODE = new X86Segment(0x33, 0, -1, 0xa0fb);
  private static final X86Segment DATA = new X86Segment(0x2b, 0, -1, 0xc0f3);

  private static final int TASK_SELECTOR = 0x18;
  private static final int TASK_ATTRIBUTES = 0x8b;
  private static final int TASK_STATE_BYTE_SIZE = 104;
  private static final int TASK_STATE_IO_MAP = 102;
  private static final int IO_MAP_BYTE_SIZE = 1 << 16 >> 3;

  /** A bit of CR3 that changes nothing here, so that it can be changed for KVM to notice. */
  private static final long CR3_CACHE_DISABLE = 0x10;

  private final KvmVcpu vcpu;
  private final Descriptor descriptor;
  private final GuestMemory memory;
  private final KvmVcpuEvents events;
  private final long scratch;
  private final Ring3State believed;
  private final byte[] code = new byte[PrivilegedInstruction.MAX_LENGTH];

  /**
   * Sets a vCPU to a guest's first instruction.
   *
   * @param wanted its state at level 0
   * @param scratch as in {@link UnprivilegedStart#start}
   * @throws IllegalArgumentException if guests with such a state cannot be started at level 3
   */
  Ring3(
      KvmVcpu vcpu,
      Descriptor descriptor,
      GuestMemory memory,
      Arena arena,
      X86CpuState wanted,
      long scratch) {
    X86Segment cs = wanted.segment(X86Segment.Name.CS);
    if (!cs.isLong() || (cs.selector() & 3) != 0) {
      throw new IllegalArgumentException(
          "only a guest in 64-bit mode at privilege level 0 can be started at level 3");
    }
    this.vcpu = vcpu;
    this.descriptor = descriptor;
    this.memory = memory;
    this.scratch = scratch;
    events = new KvmVcpuEvents(arena);
    believed = new Ring3State(wanted);

    PageTables tables = new PageTables(memory, wanted.get(X86Register.CR3));
    tables.openToUser();
    tables.mapForProcessor(scratch, SCRATCH_BYTE_SIZE);
    writeTaskState(memory.unrestricted().asSlice(scratch, SCRATCH_BYTE_SIZE));
    vcpu.writeState(unprivileged(wanted));
  }

  private X86CpuState unprivileged(X86CpuState wanted) {
    return wanted
        .copy()
        // Without descriptors, every use of a selector stops the guest.
        .set(X86Register.GDT_LIMIT, 0)
        .set(X86Register.IDT_LIMIT, 0)
        .set(X86Segment.Name.CS, CODE)
        .set(X86Segment.Name.SS, DATA)
        .set(X86Segment.Name.DS, DATA)
        .set(X86Segment.Name.ES, DATA)
        .set(X86Segment.Name.FS, Ring3Instructions.FLAT)
        .set(X86Segment.Name.GS, Ring3Instructions.FLAT)
        .set(
            X86Segment.Name.TR,
            new X86Segment(
                TASK_SELECTOR, scratch, TASK_STATE_BYTE_SIZE + IO_MAP_BYTE_SIZE, TASK_ATTRIBUTES));
  }

  /** All ports are the guest's to use, so that each use is an exit as at level 0. */
  private static void writeTaskState(MemorySegment target) {
    target.fill((byte) 0);
    target.set(ValueLayout.JAVA_SHORT, TASK_STATE_IO_MAP, (short) TASK_STATE_BYTE_SIZE);
    target.set(ValueLayout.JAVA_BYTE, TASK_STATE_BYTE_SIZE + IO_MAP_BYTE_SIZE, (byte) 0xff);
  }

  /**
   * Called when KVM gave up on the guest.
   *
   * @return the exit, or null if the guest runs on
   */
  @Nullable ExitKind stopped(ExitFrame exit) {
    X86CpuState state = vcpu.readState();
    if (!runsAsStarted(state)) {
      return exit.event(ExitKind.SHUTDOWN, 0, 0);
    }
    descriptor.ioctl(KvmIoctl.GET_VCPU_EVENTS, events.segment(), "");
    int vector = events.vector();
    int errorCode = events.errorCode();
    PageTables tables = new PageTables(memory, state.get(X86Register.CR3));
    LinearMemory linear = new LinearMemory(memory, tables);
    if (vector == Ring3Exceptions.PAGE_FAULT && opensPage(errorCode, tables, state)) {
      return null;
    }
    PrivilegedInstruction instruction =
        vector == Ring3Exceptions.GENERAL_PROTECTION ? instruction(state, linear) : null;
    if (instruction != null) {
      switch (execute(instruction, state, linear)) {
        case DONE -> {
          resume(state);
          return instruction.kind() == Kind.HLT ? exit.event(ExitKind.HALT, 0, 0) : null;
        }
        case REFUSED -> {
          LOG.info(
              "guest at privilege level 3 needs level 0 for {}: the option ring3 NEVER gives it"
                  + " that; {}",
              instruction.kind(),
              state);
          return exit.event(ExitKind.INTERNAL_ERROR, 0, KvmRun.EMULATION_FAILED);
        }
        case FAULTED -> {}
      }
    }
    if (!Ring3Exceptions.deliver(vector, errorCode, state, believed, linear)) {
      long address =
          vector == Ring3Exceptions.PAGE_FAULT
              ? state.get(X86Register.CR2)
              : ExitFrame.UNKNOWN_ADDRESS;
      return exit.event(ExitKind.UNHANDLED_EXCEPTION, address, vector);
    }
    resume(state);
    return null;
  }

  /**
   * {@return whether an instruction that KVM failed to emulate was a store into protected memory}
   * All others in memory are executed without KVM, but for those that use an address outside of it,
   * which look the same.
   */
  boolean isStore() {
    X86CpuState state = vcpu.readState();
    PageTables tables = new PageTables(memory, state.get(X86Register.CR3));
    return runsAsStarted(state)
        && tables.translate(state.get(X86Register.RIP)) != PageTables.ABSENT;
  }

  /** Not if somebody wrote other registers, nor in 32-bit code. */
  private static boolean runsAsStarted(X86CpuState state) {
    X86Segment cs = state.segment(X86Segment.Name.CS);
    return cs.isLong() && (cs.selector() & 3) == 3;
  }

  /** {@return whether a page fault was about a page that the guest may use at level 0} */
  private boolean opensPage(int errorCode, PageTables tables, X86CpuState state) {
    int wanted = Ring3Exceptions.BY_PRESENT_PAGE | Ring3Exceptions.BY_USER;
    long address = state.get(X86Register.CR2);
    boolean isOurs = address - scratch >= 0 && address - scratch < SCRATCH_BYTE_SIZE;
    try {
      if ((errorCode & wanted) != wanted || isOurs || !tables.openToUser(address)) {
        return false;
      }
    } catch (GuestAccessException _) { // the tables are protected
      return false;
    }
    forgetTranslations(state);
    resume(state);
    return true;
  }

  private @Nullable PrivilegedInstruction instruction(X86CpuState state, LinearMemory linear) {
    long rip = state.get(X86Register.RIP);
    for (int i = 0; i < code.length; i++) {
      long gpa = linear.tables().translate(rip + i);
      // Executing is not reading, and text may be unreadable.
      code[i] =
          gpa == PageTables.ABSENT ? 0 : memory.unrestricted().get(ValueLayout.JAVA_BYTE, gpa);
    }
    return PrivilegedInstruction.decode(code, state);
  }

  private Outcome execute(
      PrivilegedInstruction instruction, X86CpuState state, LinearMemory linear) {
    return instruction.kind() == Kind.MOV_TO_CONTROL && instruction.field() == 3
        ? usePageTables(instruction, state)
        : new Ring3Instructions(state, believed, linear).execute(instruction);
  }

  /** The new tables are opened page by page, as their pages are used: there may be many. */
  private Outcome usePageTables(PrivilegedInstruction instruction, X86CpuState state) {
    long cr3 = state.get(PrivilegedInstruction.register(instruction.operand()));
    if (!PageTables.isRoot(cr3)) {
      return Outcome.FAULTED;
    }
    try {
      new PageTables(memory, cr3).mapForProcessor(scratch, SCRATCH_BYTE_SIZE);
    } catch (GuestAccessException | IllegalArgumentException _) {
      return Outcome.REFUSED;
    }
    state
        .set(X86Register.CR3, cr3)
        .set(X86Register.RIP, state.get(X86Register.RIP) + instruction.length());
    forgetTranslations(state);
    return Outcome.DONE;
  }

  /** KVM keeps translations as long as CR3 stays the same. */
  private void forgetTranslations(X86CpuState state) {
    vcpu.writeState(
        state.copy().set(X86Register.CR3, state.get(X86Register.CR3) ^ CR3_CACHE_DISABLE));
  }

  private void resume(X86CpuState state) {
    vcpu.writeState(state);
    events.clearException();
    descriptor.ioctl(KvmIoctl.SET_VCPU_EVENTS, events.segment(), "no exception");
  }
}
