// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.ExitReason;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.Segments;

/** IN and OUT. OUT leaves behind the instruction; IN before it, and starts over with the answer. */
public final class Ports {
  private Ports() {}

  public static void out(Cpu cpu, Insn insn) {
    int port =
        insn.dst() == Insn.NONE ? (int) insn.immediate() & 0xFF : (int) cpu.gpr[Cpu.RDX] & 0xFFFF;
    int size = insn.sourceSize();
    checkPermission(cpu, port, size);
    cpu.exit.port = port;
    cpu.exit.size = size;
    cpu.exit.value = Cpu.zeroExtend(cpu.gpr[Cpu.RAX], size);
    cpu.leave(ExitReason.PORT_WRITE);
  }

  public static void in(Cpu cpu, Insn insn) {
    int port =
        insn.src() == Insn.IMMEDIATE
            ? (int) insn.immediate() & 0xFF
            : (int) cpu.gpr[Cpu.RDX] & 0xFFFF;
    checkPermission(cpu, port, insn.size());
    cpu.register(Cpu.RAX, insn.size(), cpu.outside.readPort(port, insn.size()));
  }

  /** Above the I/O privilege level the task's permission bitmap decides. */
  static void checkPermission(Cpu cpu, int port, int size) {
    if (!cpu.system.protectedMode() || cpu.privilege <= cpu.flags.ioPrivilege()) {
      return;
    }
    long base = cpu.segments.base(Segments.TR);
    long limit = cpu.segments.limit(Segments.TR);
    boolean wideTask = (cpu.segments.attributes(Segments.TR) & 8) != 0;
    if (!wideTask || limit < 103) {
      throw cpu.fault.protection(0);
    }
    int map = (int) cpu.memory.loadSystem(base + 102, 2) & 0xFFFF;
    int offset = map + port / 8;
    if (offset + 1 > limit) {
      throw cpu.fault.protection(0);
    }
    int bits = (int) cpu.memory.loadSystem(base + offset, 2) & 0xFFFF;
    if ((bits >>> (port & 7) & (1 << size) - 1) != 0) {
      throw cpu.fault.protection(0);
    }
  }
}
