// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Descriptor;
import dev.tealight.softcpu.internal.cpu.DescriptorTables;
import dev.tealight.softcpu.internal.cpu.Flags;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.Segments;

/** Segment registers, descriptor tables, and the instructions that inspect descriptors. */
public final class SegmentOperations {
  private SegmentOperations() {}

  public static void movFromSegment(Cpu cpu, Insn insn) {
    int selector = cpu.segments.selector(insn.src());
    if (insn.dst() == Insn.MEMORY) {
      cpu.memory.store(cpu.address(insn, 2, true), 2, selector);
    } else {
      cpu.register(insn.dst(), insn.size(), selector);
    }
  }

  public static void movToSegment(Cpu cpu, Insn insn) {
    int segment = insn.dst();
    if (segment == Segments.CS) {
      throw cpu.fault.undefined();
    }
    DescriptorTables.load(cpu, segment, (int) cpu.readSrc(insn) & 0xFFFF);
    if (segment == Segments.SS) {
      cpu.stackSegmentLoaded();
    }
  }

  /** LDS, LES, LSS, LFS, LGS. */
  public static void loadFar(Cpu cpu, Insn insn, int segment) {
    int size = insn.size();
    long address = cpu.address(insn, size + 2, false);
    long offset = cpu.memory.load(address, size);
    int selector = (int) cpu.memory.load(address + size, 2) & 0xFFFF;
    DescriptorTables.load(cpu, segment, selector);
    cpu.register(insn.dst(), size, offset);
  }

  // GDTR and IDTR: 2 bytes of limit, then 8 bytes of base in 64-bit code, else 4

  private static int baseSize(Cpu cpu) {
    return cpu.codeBits == 64 ? 8 : 4;
  }

  public static void sgdt(Cpu cpu, Insn insn) {
    storeTable(cpu, insn, cpu.system.gdtBase, cpu.system.gdtLimit);
  }

  public static void sidt(Cpu cpu, Insn insn) {
    storeTable(cpu, insn, cpu.system.idtBase, cpu.system.idtLimit);
  }

  private static void storeTable(Cpu cpu, Insn insn, long base, int limit) {
    int size = baseSize(cpu);
    long address = cpu.address(insn, 2 + size, true);
    cpu.memory.requireWritable(address, 2 + size);
    cpu.memory.store(address, 2, limit);
    cpu.memory.store(address + 2, size, base);
  }

  private static long tableBase(Cpu cpu, Insn insn, long address) {
    int size = baseSize(cpu);
    long base = Cpu.zeroExtend(cpu.memory.load(address + 2, size), size);
    if (size == 8 && base << 16 >> 16 != base) {
      throw cpu.fault.protection(0);
    }
    boolean short24 = size == 4 && insn.size() == 2;
    return short24 ? base & 0xFF_FFFF : base;
  }

  public static void lgdt(Cpu cpu, Insn insn) {
    cpu.requirePrivilege0();
    long address = cpu.address(insn, 2 + baseSize(cpu), false);
    int limit = cpu.memory.loadShort(address) & 0xFFFF;
    cpu.system.gdtBase = tableBase(cpu, insn, address);
    cpu.system.gdtLimit = limit;
  }

  public static void lidt(Cpu cpu, Insn insn) {
    cpu.requirePrivilege0();
    long address = cpu.address(insn, 2 + baseSize(cpu), false);
    int limit = cpu.memory.loadShort(address) & 0xFFFF;
    cpu.system.idtBase = tableBase(cpu, insn, address);
    cpu.system.idtLimit = limit;
  }

  private static void requireProtected(Cpu cpu) {
    if (!cpu.system.protectedMode()) {
      throw cpu.fault.undefined();
    }
  }

  public static void sldt(Cpu cpu, Insn insn) {
    storeSelector(cpu, insn, Segments.LDTR);
  }

  public static void str(Cpu cpu, Insn insn) {
    storeSelector(cpu, insn, Segments.TR);
  }

  private static void storeSelector(Cpu cpu, Insn insn, int segment) {
    requireProtected(cpu);
    int selector = cpu.segments.selector(segment);
    if (insn.dst() == Insn.MEMORY) {
      cpu.memory.store(cpu.address(insn, 2, true), 2, selector);
    } else {
      cpu.register(insn.dst(), insn.size(), selector);
    }
  }

  private static int selectorOperand(Cpu cpu, Insn insn) {
    long value = insn.dst() == Insn.MEMORY ? cpu.load(insn, 2) : cpu.gpr[insn.dst()];
    return (int) value & 0xFFFF;
  }

  public static void lldt(Cpu cpu, Insn insn) {
    requireProtected(cpu);
    cpu.requirePrivilege0();
    DescriptorTables.loadLocalTable(cpu, selectorOperand(cpu, insn));
  }

  public static void ltr(Cpu cpu, Insn insn) {
    requireProtected(cpu);
    cpu.requirePrivilege0();
    DescriptorTables.loadTask(cpu, selectorOperand(cpu, insn));
  }

  // Inspection: ZF says whether the descriptor is accessible

  /** Returns the descriptor, or 0 if the selector leads nowhere. */
  private static long inspect(Cpu cpu, int selector) {
    boolean leads = (selector & 0xFFFC) != 0 && DescriptorTables.contains(cpu, selector);
    return leads ? DescriptorTables.read(cpu, selector) : 0;
  }

  private static boolean reachable(Cpu cpu, int selector, long descriptor) {
    boolean conforming = Descriptor.isCode(descriptor) && Descriptor.isConforming(descriptor);
    int needed = Math.max(cpu.privilege, selector & 3);
    return conforming || needed <= Descriptor.privilege(descriptor);
  }

  private static void setZero(Cpu cpu, boolean zero) {
    cpu.flags.update(zero ? Flags.ZF : 0, Flags.ZF);
  }

  private static boolean hasLimit(Cpu cpu, long descriptor, boolean rights) {
    if (!Descriptor.isSystem(descriptor)) {
      return true;
    }
    return switch (Descriptor.type(descriptor)) {
      case 2, 9, 11 -> true;
      case 1, 3 -> !cpu.system.longModeActive();
      case 4, 5 -> rights && !cpu.system.longModeActive();
      case 12 -> rights;
      default -> false;
    };
  }

  public static void lar(Cpu cpu, Insn insn) {
    requireProtected(cpu);
    int selector = (int) cpu.readSrc(insn) & 0xFFFF;
    long descriptor = inspect(cpu, selector);
    boolean valid =
        descriptor != 0 && hasLimit(cpu, descriptor, true) && reachable(cpu, selector, descriptor);
    if (valid) {
      cpu.register(insn.dst(), insn.size(), descriptor >>> 32 & 0xFF_FF00L);
    }
    setZero(cpu, valid);
  }

  public static void lsl(Cpu cpu, Insn insn) {
    requireProtected(cpu);
    int selector = (int) cpu.readSrc(insn) & 0xFFFF;
    long descriptor = inspect(cpu, selector);
    boolean valid =
        descriptor != 0 && hasLimit(cpu, descriptor, false) && reachable(cpu, selector, descriptor);
    if (valid) {
      cpu.register(insn.dst(), insn.size(), Descriptor.limit(descriptor));
    }
    setZero(cpu, valid);
  }

  public static void verr(Cpu cpu, Insn insn) {
    verify(cpu, insn, false);
  }

  public static void verw(Cpu cpu, Insn insn) {
    verify(cpu, insn, true);
  }

  private static void verify(Cpu cpu, Insn insn, boolean write) {
    requireProtected(cpu);
    int selector = selectorOperand(cpu, insn);
    long descriptor = inspect(cpu, selector);
    boolean code = Descriptor.isCode(descriptor);
    boolean bit = Descriptor.isWritableOrReadable(descriptor);
    boolean allowed = write ? !code && bit : !code || bit;
    setZero(
        cpu,
        descriptor != 0
            && !Descriptor.isSystem(descriptor)
            && allowed
            && reachable(cpu, selector, descriptor));
  }
}
