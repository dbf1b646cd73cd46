// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import dev.tealight.ExitFrame;
import dev.tealight.ExitKind;
import dev.tealight.Vcpu;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.X86Segment;
import dev.tealight.ffi.posix.FreeBsdErrno;
import dev.tealight.spi.DebugControl;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A vCPU of the model: a software processor and what vmm keeps beside it. */
final class ModelVcpu {
  private static final long INTERRUPTS_ENABLED = 1 << 9;
  private static final long EFER_SVME = 1 << 12;
  private static final long NO_LINEAR_ADDRESS = 0x8000_0000_0000_0000L;
  private static final int LEFT_FROM_EARLIER_EXITS = 0x1fc0;
  private static final long BOGUS_AFTER_MILLIS = 2;

  private static final X86Segment.Name[] SELECTORS = {
    X86Segment.Name.ES, X86Segment.Name.CS, X86Segment.Name.SS, X86Segment.Name.DS,
    X86Segment.Name.FS, X86Segment.Name.GS, X86Segment.Name.LDTR, X86Segment.Name.TR
  };

  private static final X86Register[] REGISTERS = {
    X86Register.RAX, X86Register.RBX, X86Register.RCX, X86Register.RDX, X86Register.RSI,
    X86Register.RDI, X86Register.RBP, X86Register.R8, X86Register.R9, X86Register.R10,
    X86Register.R11, X86Register.R12, X86Register.R13, X86Register.R14, X86Register.R15,
    X86Register.CR0, X86Register.CR3, X86Register.CR4, null, X86Register.RSP
  };

  private final ModelVm vm;
  private final VmmFacts facts;
  final Vcpu processor;
  final ModelCapabilities capabilities;
  private final ExitFrame frame = new ExitFrame();

  // Guarded by the VM's lock.
  boolean active;
  boolean marked;
  boolean running;
  boolean sawSuspension;
  boolean reportedSuspension;
  int idleRequests;
  int injected = -1;

  /** Exits to make instead of running the guest. */
  final Queue<Consumer<MemorySegment>> script = new ArrayDeque<>();

  /** What a VM_RUN is to fail with instead of running the guest. */
  final Queue<Integer> errors = new ArrayDeque<>();

  private X86CpuState state = new X86CpuState();
  private boolean rewrite = true;
  private boolean shutDown;
  private boolean halted;

  /** Where the last exit happened, which is what the register reads as. */
  private long rip;

  private long nextRip;

  ModelVcpu(ModelVm vm, VmmFacts facts, Vcpu processor) {
    this.vm = vm;
    this.facts = facts;
    this.processor = processor;
    capabilities = new ModelCapabilities(facts, vm.kernel.amd);
  }

  /** As after the kernel made or reset it: all registers 0. */
  void reset() {
    state = new X86CpuState();
    rewrite = true;
    shutDown = false;
    halted = false;
    rip = 0;
    nextRip = 0;
    active = false;
    marked = false;
    capabilities.reset();
    sawSuspension = false;
    reportedSuspension = false;
    injected = -1;
  }

  void restart() {
    nextRip = rip;
    rewrite = true;
  }

  /** {@return 0 or a negated errno} */
  long inject(MemorySegment argument) {
    int vector = facts.getInt(argument, "vm_exception.vector");
    if (injected >= 0) {
      return -FreeBsdErrno.EBUSY;
    }
    if (vector < 0 || vector > 31 || vector == 8) {
      return -FreeBsdErrno.EINVAL;
    }
    injected = vector;
    if (facts.getInt(argument, "vm_exception.restart_instruction") != 0) {
      restart();
    }
    return 0;
  }

  // Registers.

  /** {@return the value, or null if there is no such register} */
  @Nullable Long get(int number) {
    if (number >= 0 && number < REGISTERS.length && REGISTERS[number] != null) {
      return state.get(REGISTERS[number]);
    }
    if (number >= 22 && number <= 29) {
      return (long) state.segment(SELECTORS[number - 22]).selector();
    }
    return switch (number) {
      case 18, 38, 39, 40, 41, 42, 43 -> 0L;
      case 20 -> rip;
      case 21 -> state.get(X86Register.RFLAGS);
      case 32 -> state.get(X86Register.EFER) | (vm.kernel.amd ? EFER_SVME : 0);
      case 33 -> state.get(X86Register.CR2);
      case 45 -> vm.kernel.amd && hasBases() ? state.segment(X86Segment.Name.FS).base() : null;
      case 46 -> vm.kernel.amd && hasBases() ? state.segment(X86Segment.Name.GS).base() : null;
      default -> null;
    };
  }

  private boolean hasBases() {
    return facts.has("VM_REG_GUEST_FS_BASE");
  }

  boolean set(int number, long value) {
    rewrite = true;
    shutDown = false;
    if (number >= 0 && number < REGISTERS.length && REGISTERS[number] != null) {
      state.set(REGISTERS[number], value);
      return true;
    }
    if (number >= 22 && number <= 29) {
      X86Segment.Name name = SELECTORS[number - 22];
      X86Segment old = state.segment(name);
      state.set(
          name, new X86Segment((int) value & 0xffff, old.base(), old.limit(), old.attributes()));
      return true;
    }
    switch (number) {
      case 20 -> {
        rip = value;
        nextRip = value;
      }
      case 21 -> state.set(X86Register.RFLAGS, value);
      case 32 -> state.set(X86Register.EFER, value & ~EFER_SVME);
      case 33 -> state.set(X86Register.CR2, value);
      case 44 -> {
        return vm.kernel.amd; // which ignores it
      }
      default -> {
        return false;
      }
    }
    return true;
  }

  boolean getDescriptor(int number, MemorySegment argument) {
    long base;
    int limit;
    int access = 0;
    if (number == 30) {
      base = state.get(X86Register.IDT_BASE);
      limit = (int) state.get(X86Register.IDT_LIMIT);
    } else if (number == 31) {
      base = state.get(X86Register.GDT_BASE);
      limit = (int) state.get(X86Register.GDT_LIMIT);
    } else if (number >= 22 && number <= 29) {
      X86Segment segment = state.segment(SELECTORS[number - 22]);
      base = segment.base();
      limit = segment.limit();
      access = segment.attributes();
    } else {
      return false;
    }
    long at = facts.value("vm_seg_desc.desc");
    MemorySegment descriptor = argument.asSlice(at);
    facts.putLong(descriptor, "seg_desc.base", base);
    facts.putInt(descriptor, "seg_desc.limit", limit);
    facts.putInt(descriptor, "seg_desc.access", access);
    return true;
  }

  boolean setDescriptor(int number, MemorySegment argument) {
    rewrite = true;
    MemorySegment descriptor = argument.asSlice(facts.value("vm_seg_desc.desc"));
    long base = facts.getLong(descriptor, "seg_desc.base");
    int limit = facts.getInt(descriptor, "seg_desc.limit");
    int access = facts.getInt(descriptor, "seg_desc.access");
    if (number == 30) {
      state.set(X86Register.IDT_BASE, base).set(X86Register.IDT_LIMIT, limit);
    } else if (number == 31) {
      state.set(X86Register.GDT_BASE, base).set(X86Register.GDT_LIMIT, limit);
    } else if (number >= 22 && number <= 29) {
      X86Segment.Name name = SELECTORS[number - 22];
      state.set(name, new X86Segment(state.segment(name).selector(), base, limit, access));
    } else {
      return false;
    }
    return true;
  }

  long cr3() {
    return state.get(X86Register.CR3);
  }

  // Running.

  /** Called with a change that the vCPU has to see. */
  void wake() {
    processor.kick();
    vm.lock.notifyAll();
  }

  /** {@return 0 with the exit filled, or a negated errno} */
  long run(MemorySegment exit) {
    synchronized (vm.lock) {
      if (vm.destroyed) {
        return -FreeBsdErrno.ENXIO;
      }
      if (!active || reportedSuspension) {
        return -FreeBsdErrno.EINVAL;
      }
      if (running) {
        return fill(exit, "VM_EXITCODE_REQIDLE", nextRip, 0);
      }
      running = true;
    }
    try {
      return runGuest(exit);
    } finally {
      synchronized (vm.lock) {
        running = false;
        vm.lock.notifyAll();
      }
    }
  }

  private long runGuest(MemorySegment exit) {
    rip = nextRip;
    halted = false; // whoever came out of a halt goes on behind it
    while (true) {
      synchronized (vm.lock) {
        Long out = leave(exit);
        if (out != null) {
          return out;
        }
        if (halted) {
          sleep();
          continue;
        }
      }
      if (shutDown) {
        return bogusAfterAWhile(exit);
      }
      if (rewrite) {
        state.set(X86Register.RIP, nextRip);
        processor.writeState(state);
        rewrite = false;
      }
      ExitKind kind = processor.run(frame);
      state = (X86CpuState) processor.readState();
      long at = state.get(X86Register.RIP);
      rip = at;
      nextRip = at;
      switch (kind) {
        case INTERRUPTED -> {
          synchronized (vm.lock) {
            Long out = leave(exit);
            return out != null ? out : fill(exit, "VM_EXITCODE_BOGUS", at, 0);
          }
        }
        case IO_WRITE, IO_READ -> {
          Long out = port(exit, kind == ExitKind.IO_READ);
          if (out != null) {
            return out;
          }
        }
        case MMIO_WRITE, MMIO_READ -> {
          return outside(exit, frame.address(), kind == ExitKind.MMIO_READ, frame.width());
        }
        case PROTECTION_FAULT -> {
          rewrite = true;
          if (vm.memory().at(frame.address()) != null) {
            return -FreeBsdErrno.EFAULT;
          }
          boolean fetch = frame.detail() == 4;
          return fetch
              ? nestedFault(exit, frame.address(), 0x100000014L)
              : outside(exit, frame.address(), false, 0);
        }
        case INTERNAL_ERROR -> {
          rewrite = true;
          return nestedFault(exit, frame.address(), 0x100000014L);
        }
        case HALT -> halted = true;
        case SHUTDOWN -> {
          shutDown = true;
          rewrite = true;
          if (!vm.kernel.amd) {
            long _ = fill(exit, "VM_EXITCODE_VMX", at, 0);
            facts.putInt(exit, "vm_exit.u.vmx.status", 0);
            facts.putInt(exit, "vm_exit.u.vmx.exit_reason", 2);
            return 0;
          }
        }
        default -> throw new AssertionError("the processor left with " + frame);
      }
    }
  }

  /** {@return what is to be reported before the guest runs, or null} */
  private @Nullable Long leave(MemorySegment exit) {
    Integer error = errors.poll();
    if (error != null) {
      return (long) -error;
    }
    Consumer<MemorySegment> scripted = script.poll();
    if (scripted != null) {
      long _ = fill(exit, "VM_EXITCODE_BOGUS", nextRip, 0);
      scripted.accept(exit);
      nextRip = rip + facts.getInt(exit, "vm_exit.inst_length");
      rewrite = true;
      return 0L;
    }
    if (vm.destroyed) {
      return fillSuspended(exit, facts.has("VM_SUSPEND_DESTROY") ? 5 : 2);
    }
    if (vm.suspension != 0) {
      sawSuspension = true;
      vm.lock.notifyAll();
      while (!vm.allSawSuspension() && !marked && idleRequests == 0 && !vm.destroyed) {
        vm.await();
      }
      if (vm.allSawSuspension()) {
        reportedSuspension = true;
        return fillSuspended(exit, vm.suspension);
      }
    }
    if (marked) {
      return fill(exit, "VM_EXITCODE_DEBUG", nextRip, 0);
    }
    if (idleRequests > 0) {
      return fill(exit, "VM_EXITCODE_REQIDLE", nextRip, 0);
    }
    return null;
  }

  private long fillSuspended(MemorySegment exit, int how) {
    long _ = fill(exit, "VM_EXITCODE_SUSPENDED", nextRip, 0);
    facts.putInt(exit, "vm_exit.u.suspended.how", how);
    return 0;
  }

  /** Sleeps in the kernel until something happens. */
  private void sleep() {
    boolean forGood = (state.get(X86Register.RFLAGS) & INTERRUPTS_ENABLED) == 0;
    if (forGood && capabilities.haltExit() && vm.allHaltedForGood()) {
      vm.suspend(facts.number("VM_SUSPEND_HALT"));
    } else {
      vm.await();
    }
  }

  boolean isHaltedForGood() {
    return halted && (state.get(X86Register.RFLAGS) & INTERRUPTS_ENABLED) == 0;
  }

  /** AMD: the kernel answers a shutdown by raising #UD, which shuts down again. */
  private long bogusAfterAWhile(MemorySegment exit) {
    synchronized (vm.lock) {
      if (!marked && vm.suspension == 0) {
        vm.await(BOGUS_AFTER_MILLIS);
      }
      Long out = leave(exit);
      return out != null ? out : fill(exit, "VM_EXITCODE_BOGUS", nextRip, 0);
    }
  }

  private long fill(MemorySegment exit, String code, long at, int length) {
    facts.putInt(exit, "vm_exit.exitcode", facts.number(code));
    facts.putInt(exit, "vm_exit.inst_length", length);
    facts.putLong(exit, "vm_exit.rip", at);
    rip = at;
    nextRip = at + length;
    return 0;
  }

  private @Nullable Long port(MemorySegment exit, boolean in) {
    int port = (int) frame.address();
    int width = frame.width();
    long at = state.get(X86Register.RIP);
    byte[] bytes = vm.memory().instruction(at, cr3());
    int string = stringOpcode(bytes);
    if (string >= 0) {
      return string(exit, bytes, string, in, port, width);
    }
    int length = in ? length(bytes) : length(at, port);
    // The software CPU leaves before an IN and behind an OUT.
    rip = in ? at : at - length;
    nextRip = rip + length;
    rewrite |= in;
    if (ModelPorts.isEmulated(port)) {
      return ModelPorts.accepts(port, width, in) ? null : (Long) (long) -FreeBsdErrno.EIO;
    }
    long _ = fill(exit, "VM_EXITCODE_INOUT", rip, length);
    putFlags(exit, width, in, false, false);
    exit.set(ValueLayout.JAVA_SHORT, facts.value("vm_exit.u.inout.port"), (short) port);
    facts.putInt(exit, "vm_exit.u.inout.eax", (int) state.get(X86Register.RAX));
    return 0L;
  }

  private void putFlags(MemorySegment exit, int width, boolean in, boolean string, boolean repeat) {
    int base = 8 * (int) facts.value("vm_exit.u");
    int flags =
        (width << (facts.number("vm_exit.u.inout.bytes bit") - base))
            | ((in ? 1 : 0) << (facts.number("vm_exit.u.inout.in bit") - base))
            | ((string ? 1 : 0) << (facts.number("vm_exit.u.inout.string bit") - base))
            | ((repeat ? 1 : 0) << (facts.number("vm_exit.u.inout.rep bit") - base))
            | LEFT_FROM_EARLIER_EXITS;
    exit.set(ValueLayout.JAVA_SHORT, facts.value("vm_exit.u"), (short) flags);
  }

  private static int length(byte[] in) {
    int prefix = in[0] == 0x66 ? 1 : 0;
    return prefix + ((in[prefix] & 0xfe) == 0xe4 ? 2 : 1);
  }

  /** The instruction is behind: the port says which of its forms it was. */
  private int length(long behind, int port) {
    byte[] before = vm.memory().instruction(behind - 3, cr3());
    boolean byRegister =
        (before[2] & 0xfc) == 0xec && ((int) state.get(X86Register.RDX) & 0xffff) == port;
    int length = byRegister ? 1 : 2;
    return length + (before[2 - length] == 0x66 ? 1 : 0);
  }

  /** {@return where the opcode of INS or OUTS is, or -1 if it is no such instruction} */
  private static int stringOpcode(byte[] bytes) {
    for (int i = 0; i < bytes.length; i++) {
      int value = bytes[i] & 0xff;
      if (value >= 0x6c && value <= 0x6f) {
        return i;
      }
      boolean prefix = value == 0xf3 || value == 0xf2 || value == 0x66 || (value & 0xf0) == 0x40;
      if (!prefix) {
        return -1;
      }
    }
    return -1;
  }

  private Long string(
      MemorySegment exit, byte[] bytes, int opcode, boolean in, int port, int width) {
    boolean repeat = bytes[0] == (byte) 0xf3;
    rewrite = true;
    long _ = fill(exit, "VM_EXITCODE_INOUT_STR", state.get(X86Register.RIP), opcode + 1);
    putFlags(exit, width, in, true, repeat);
    exit.set(ValueLayout.JAVA_SHORT, facts.value("vm_exit.u.inout.port"), (short) port);
    putPaging(exit, facts.value("vm_exit.u.inout_str.paging"));
    facts.putLong(exit, "vm_exit.u.inout_str.rflags", state.get(X86Register.RFLAGS));
    facts.putLong(
        exit, "vm_exit.u.inout_str.index", state.get(in ? X86Register.RDI : X86Register.RSI));
    facts.putLong(exit, "vm_exit.u.inout_str.count", repeat ? state.get(X86Register.RCX) : 1);
    facts.putInt(exit, "vm_exit.u.inout_str.addrsize", 8);
    facts.putInt(
        exit,
        "vm_exit.u.inout_str.seg_name",
        facts.number(in ? "VM_REG_GUEST_ES" : "VM_REG_GUEST_DS"));
    return 0L;
  }

  private void putPaging(MemorySegment exit, long offset) {
    MemorySegment paging = exit.asSlice(offset);
    facts.putLong(paging, "vm_guest_paging.cr3", cr3());
    facts.putInt(paging, "vm_guest_paging.cpl", 0);
    facts.putInt(paging, "vm_guest_paging.cpu_mode", facts.number("CPU_MODE_64BIT"));
    facts.putInt(paging, "vm_guest_paging.paging_mode", facts.number("PAGING_MODE_64"));
  }

  /** An access to an address in no mapping. */
  private long outside(MemorySegment exit, long gpa, boolean read, int width) {
    rewrite = true;
    long at = state.get(X86Register.RIP);
    if (vm.memory().walk(at, cr3()) == ModelMemory.OUTSIDE) {
      return nestedFault(exit, gpa, 0x200000006L);
    }
    if (gpa >>> 12 == 0xfee00 && read && gpa % Math.max(width, 1) != 0) {
      return -FreeBsdErrno.EINVAL;
    }
    byte[] bytes = vm.memory().instruction(at, cr3());
    int length = ModelDecoder.isDecoded(bytes) ? stepOver() : 0;
    long _ = fill(exit, "VM_EXITCODE_INST_EMUL", at, length);
    facts.putLong(exit, "vm_exit.u.inst_emul.gpa", gpa);
    facts.putLong(exit, "vm_exit.u.inst_emul.gla", NO_LINEAR_ADDRESS);
    facts.putInt(exit, "vm_exit.u.inst_emul.cs_d", 0);
    putPaging(exit, facts.value("vm_exit.u.inst_emul.paging"));
    MemorySegment decoder = exit.asSlice(facts.value("vm_exit.u.inst_emul.vie"));
    MemorySegment.copy(bytes, 0, decoder, ValueLayout.JAVA_BYTE, 0, bytes.length);
    int count = length == 0 ? 15 : length;
    decoder.set(ValueLayout.JAVA_BYTE, facts.value("vie.num_valid"), (byte) count);
    decoder.set(ValueLayout.JAVA_BYTE, facts.value("vie.decoded"), (byte) (length == 0 ? 0 : 1));
    return 0;
  }

  /** {@return how long the instruction is, found by executing it; its effects are taken back} */
  private int stepOver() {
    DebugControl debug = processor.ability(DebugControl.class).orElseThrow();
    X86CpuState before = state.copy();
    // What the access before it was is void, so that the frame holds no answer.
    processor.writeState(before);
    List<DebugControl.Breakpoint> ends = new ArrayList<>();
    for (int length = 1; length <= 15; length++) {
      long end = before.get(X86Register.RIP) + length;
      ends.add(new DebugControl.Breakpoint(end, 1, DebugControl.Trigger.EXECUTE));
    }
    debug.debug(false, false, ends);
    try {
      for (int accesses = 0; accesses < 16; accesses++) {
        switch (processor.run(frame)) {
          case MMIO_READ, MMIO_WRITE, INTERRUPTED -> {}
          case DEBUG -> {
            X86CpuState after = (X86CpuState) processor.readState();
            return (int) (after.get(X86Register.RIP) - before.get(X86Register.RIP));
          }
          default -> {
            return 0;
          }
        }
      }
      return 0;
    } finally {
      debug.debug(false, false, List.of());
      state = before;
    }
  }

  /** What the processor could not fetch or walk: it comes out as the hardware's own exit. */
  private long nestedFault(MemorySegment exit, long gpa, long information) {
    rewrite = true;
    if (vm.kernel.amd) {
      long _ = fill(exit, "VM_EXITCODE_SVM", state.get(X86Register.RIP), 0);
      facts.putLong(exit, "vm_exit.u.svm.exitcode", 0x400);
      facts.putLong(exit, "vm_exit.u.svm.exitinfo1", information);
      facts.putLong(exit, "vm_exit.u.svm.exitinfo2", gpa);
    } else {
      long _ = fill(exit, "VM_EXITCODE_VMX", state.get(X86Register.RIP), 0);
      facts.putInt(exit, "vm_exit.u.vmx.status", 0);
      facts.putInt(exit, "vm_exit.u.vmx.exit_reason", 48);
    }
    return 0;
  }
}
