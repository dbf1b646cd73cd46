// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

import dev.tealight.ExitFrame;
import dev.tealight.Vcpu;
import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.ffi.posix.FreeBsdErrno;
import dev.tealight.spi.DebugControl;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the model's kernel makes of an access that the software CPU reports: it serves the access,
 * refuses it, or lets it out. Nothing is behind the devices in memory: they read as 0.
 */
final class ModelAccess {
  private static final long NO_LINEAR_ADDRESS = 0x8000_0000_0000_0000L;
  private static final int LEFT_FROM_EARLIER_EXITS = 0x1fc0;
  private static final int EPT_VIOLATION = 48;

  private final ModelVm vm;
  private final VmmFacts facts;
  private final Vcpu processor;
  private final ExitFrame frame;
  private final ModelRegisters registers;
  private final ModelExits exits;

  ModelAccess(
      ModelVm vm,
      VmmFacts facts,
      Vcpu processor,
      ExitFrame frame,
      ModelRegisters registers,
      ModelExits exits) {
    this.vm = vm;
    this.facts = facts;
    this.processor = processor;
    this.frame = frame;
    this.registers = registers;
    this.exits = exits;
  }

  /** {@return 0 with the exit filled, a negated errno, or null if the kernel served it} */
  @Nullable Long port(MemorySegment exit, boolean in) {
    int port = (int) frame.address();
    int width = frame.width();
    long at = registers.state.get(X86Register.RIP);
    byte[] bytes = vm.memory().instruction(at, registers.cr3());
    int string = ModelDecoder.stringOpcode(bytes);
    if (string >= 0) {
      return string(exit, bytes, string, in, port, width);
    }
    int length = in ? ModelDecoder.inLength(bytes) : outLength(at, port);
    // The software CPU leaves before an IN and behind an OUT.
    registers.rip = in ? at : at - length;
    registers.nextRip = registers.rip + length;
    registers.changed |= in;
    if (ModelDevices.isPort(port)) {
      boolean known = ModelDevices.acceptsPort(port, width, in) && device(port, width, in);
      return known ? null : (Long) (long) -FreeBsdErrno.EIO;
    }
    long _ = exits.fill(exit, "VM_EXITCODE_INOUT", registers.rip, length);
    putFlags(exit, width, in, false, false);
    exit.set(ValueLayout.JAVA_SHORT, facts.value("vm_exit.u.inout.port"), (short) port);
    facts.putInt(exit, "vm_exit.u.inout.eax", (int) registers.state.get(X86Register.RAX));
    return 0L;
  }

  /** {@return whether the device in the kernel knows the value} */
  private boolean device(int port, int width, boolean in) {
    long rax = registers.state.get(X86Register.RAX);
    if (!in) {
      return vm.chips.write(port, (int) rax & 0xff);
    }
    int value = vm.chips.read(port);
    long merged =
        switch (width) {
          case 1 -> (rax & ~0xffL) | value;
          case 2 -> (rax & ~0xffffL) | value;
          default -> value;
        };
    registers.state.set(X86Register.RAX, merged);
    return true;
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

  /** The instruction is behind: the port says which of its forms it was. */
  private int outLength(long behind, int port) {
    byte[] before = vm.memory().instruction(behind - 3, registers.cr3());
    boolean byRegister =
        (before[2] & 0xfc) == 0xec && ((int) registers.state.get(X86Register.RDX) & 0xffff) == port;
    int length = byRegister ? 1 : 2;
    return length + (before[2 - length] == 0x66 ? 1 : 0);
  }

  private Long string(
      MemorySegment exit, byte[] bytes, int opcode, boolean in, int port, int width) {
    boolean repeat = bytes[0] == (byte) 0xf3;
    registers.changed = true;
    long _ =
        exits.fill(exit, "VM_EXITCODE_INOUT_STR", registers.state.get(X86Register.RIP), opcode + 1);
    putFlags(exit, width, in, true, repeat);
    exit.set(ValueLayout.JAVA_SHORT, facts.value("vm_exit.u.inout.port"), (short) port);
    exits.paging(exit, "vm_exit.u.inout_str.paging");
    facts.putLong(exit, "vm_exit.u.inout_str.rflags", registers.state.get(X86Register.RFLAGS));
    facts.putLong(
        exit,
        "vm_exit.u.inout_str.index",
        registers.state.get(in ? X86Register.RDI : X86Register.RSI));
    facts.putLong(
        exit, "vm_exit.u.inout_str.count", repeat ? registers.state.get(X86Register.RCX) : 1);
    facts.putInt(exit, "vm_exit.u.inout_str.addrsize", 8);
    facts.putInt(
        exit,
        "vm_exit.u.inout_str.seg_name",
        facts.number(in ? "VM_REG_GUEST_ES" : "VM_REG_GUEST_DS"));
    return 0L;
  }

  /** {@return whether there is PUSHF, from which the kernel hides the trap flag} */
  boolean isPushOfFlags(long at) {
    return vm.memory().instruction(at, registers.cr3())[0] == (byte) 0x9c;
  }

  /**
   * An access to an address that is mapped to no memory.
   *
   * @return 0 with the exit filled, a negated errno, or null if the kernel served it
   */
  @Nullable Long outside(MemorySegment exit, long gpa, boolean read) {
    registers.changed = true;
    long at = registers.state.get(X86Register.RIP);
    Long lost = lost(exit);
    if (lost != null) {
      return lost;
    }
    byte[] bytes = vm.memory().instruction(at, registers.cr3());
    X86CpuState after = ModelDecoder.isDecoded(bytes) ? stepOver() : null;
    int length = after == null ? 0 : (int) (after.get(X86Register.RIP) - at);
    if (after != null && ModelDevices.isMemory(gpa)) {
      registers.nextRip = at + length;
      if (!ModelDevices.acceptsMemory(gpa, read)) {
        return (long) -FreeBsdErrno.EINVAL;
      }
      registers.state = after;
      return null;
    }
    long _ = exits.fill(exit, "VM_EXITCODE_INST_EMUL", at, length);
    facts.putLong(exit, "vm_exit.u.inst_emul.gpa", gpa);
    facts.putLong(exit, "vm_exit.u.inst_emul.gla", NO_LINEAR_ADDRESS);
    facts.putInt(exit, "vm_exit.u.inst_emul.cs_d", 0);
    exits.paging(exit, "vm_exit.u.inst_emul.paging");
    MemorySegment decoder = exit.asSlice(facts.value("vm_exit.u.inst_emul.vie"));
    MemorySegment.copy(bytes, 0, decoder, ValueLayout.JAVA_BYTE, 0, bytes.length);
    int count = length == 0 ? 15 : length;
    decoder.set(ValueLayout.JAVA_BYTE, facts.value("vie.num_valid"), (byte) count);
    decoder.set(ValueLayout.JAVA_BYTE, facts.value("vie.decoded"), (byte) (length == 0 ? 0 : 1));
    return 0L;
  }

  /**
   * {@return the state behind an instruction that reads 0 outside memory, or null if it ends
   * otherwise; its effects are taken back}
   */
  private @Nullable X86CpuState stepOver() {
    DebugControl debug = processor.ability(DebugControl.class).orElseThrow();
    X86CpuState before = registers.state.copy();
    // What the access before it was is void, so that the frame holds no answer.
    long trap = before.get(X86Register.RFLAGS) & ModelRegisters.TRAP_FLAG;
    processor.writeState(
        before.copy().set(X86Register.RFLAGS, before.get(X86Register.RFLAGS) - trap));
    List<DebugControl.Breakpoint> ends = new ArrayList<>();
    for (int length = 1; length <= 15; length++) {
      long end = before.get(X86Register.RIP) + length;
      ends.add(new DebugControl.Breakpoint(end, 1, DebugControl.Trigger.EXECUTE));
    }
    debug.debug(false, false, ends);
    try {
      for (int accesses = 0; accesses < 16; accesses++) {
        switch (processor.run(frame)) {
          case MMIO_READ -> frame.complete(0);
          case MMIO_WRITE, INTERRUPTED -> {}
          case DEBUG -> {
            X86CpuState after = (X86CpuState) processor.readState();
            return after.set(X86Register.RFLAGS, after.get(X86Register.RFLAGS) | trap);
          }
          default -> {
            return null;
          }
        }
      }
      return null;
    } finally {
      debug.debug(false, false, List.of());
      registers.state = before;
    }
  }

  /** What the processor could not fetch: it comes out as the hardware's own exit. */
  long nestedFault(MemorySegment exit, long gpa) {
    return fault(exit, gpa, 0x100000014L);
  }

  /**
   * {@return 0 with the exit filled if page tables lead out of memory where the guest is, or null}
   */
  @Nullable Long lost(MemorySegment exit) {
    ModelMemory.Walk walk = vm.memory().walk(registers.state.get(X86Register.RIP), registers.cr3());
    return walk.gpa() == ModelMemory.OUTSIDE ? fault(exit, walk.table(), 0x200000006L) : null;
  }

  private long fault(MemorySegment exit, long gpa, long information) {
    registers.changed = true;
    return vm.kernel.amd
        ? exits.svm(exit, 0x400, information, gpa)
        : exits.vmx(exit, EPT_VIOLATION);
  }
}
