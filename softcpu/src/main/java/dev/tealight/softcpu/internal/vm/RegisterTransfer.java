// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.vm;

import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import dev.tealight.X86Segment;
import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Segments;
import dev.tealight.softcpu.internal.cpu.SystemRegisters;

/** Copies registers between the processor and the core's state. */
final class RegisterTransfer {
  /** General registers in the processor's own order. */
  private static final X86Register[] GENERAL = {
    X86Register.RAX, X86Register.RCX, X86Register.RDX, X86Register.RBX,
    X86Register.RSP, X86Register.RBP, X86Register.RSI, X86Register.RDI,
    X86Register.R8, X86Register.R9, X86Register.R10, X86Register.R11,
    X86Register.R12, X86Register.R13, X86Register.R14, X86Register.R15,
  };

  private RegisterTransfer() {}

  private static int number(X86Segment.Name name) {
    return switch (name) {
      case CS -> Segments.CS;
      case DS -> Segments.DS;
      case ES -> Segments.ES;
      case FS -> Segments.FS;
      case GS -> Segments.GS;
      case SS -> Segments.SS;
      case TR -> Segments.TR;
      case LDTR -> Segments.LDTR;
    };
  }

  static X86CpuState read(Cpu cpu) {
    X86CpuState state = new X86CpuState();
    update(cpu, state);
    return state;
  }

  /** Copies the processor's registers over those of a state. */
  static void update(Cpu cpu, X86CpuState state) {
    for (int i = 0; i < GENERAL.length; i++) {
      state.set(GENERAL[i], cpu.gpr[i]);
    }
    SystemRegisters system = cpu.system;
    state
        .set(X86Register.RIP, cpu.rip)
        .set(X86Register.RFLAGS, cpu.flags.value())
        .set(X86Register.CR0, system.cr0)
        .set(X86Register.CR2, system.cr2)
        .set(X86Register.CR3, system.cr3)
        .set(X86Register.CR4, system.cr4)
        .set(X86Register.CR8, system.cr8)
        .set(X86Register.EFER, system.efer)
        .set(X86Register.GDT_BASE, system.gdtBase)
        .set(X86Register.GDT_LIMIT, system.gdtLimit)
        .set(X86Register.IDT_BASE, system.idtBase)
        .set(X86Register.IDT_LIMIT, system.idtLimit);
    for (X86Segment.Name name : X86Segment.Name.values()) {
      int segment = number(name);
      state.set(
          name,
          new X86Segment(
              cpu.segments.selector(segment),
              cpu.segments.base(segment),
              (int) cpu.segments.limit(segment),
              cpu.segments.attributes(segment)));
    }
  }

  static void write(Cpu cpu, X86CpuState state) {
    for (int i = 0; i < GENERAL.length; i++) {
      cpu.gpr[i] = state.get(GENERAL[i]);
    }
    for (X86Segment.Name name : X86Segment.Name.values()) {
      X86Segment segment = state.segment(name);
      cpu.segments.set(
          number(name),
          segment.selector(),
          segment.base(),
          segment.limit() & 0xFFFF_FFFFL,
          segment.attributes());
    }
    cpu.rip = state.get(X86Register.RIP);
    cpu.flags.value(state.get(X86Register.RFLAGS));
    SystemRegisters system = cpu.system;
    system.cr2 = state.get(X86Register.CR2);
    system.cr8 = state.get(X86Register.CR8) & 15;
    system.gdtBase = state.get(X86Register.GDT_BASE);
    system.gdtLimit = (int) state.get(X86Register.GDT_LIMIT) & 0xFFFF;
    system.idtBase = state.get(X86Register.IDT_BASE);
    system.idtLimit = (int) state.get(X86Register.IDT_LIMIT) & 0xFFFF;
    cpu.privilege = cpu.segments.privilege(Segments.SS);
    system.restore(
        state.get(X86Register.CR0),
        state.get(X86Register.CR3),
        state.get(X86Register.CR4),
        state.get(X86Register.EFER));
  }
}
