// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.op;

import static dev.tealight.softcpu.internal.cpu.Cpu.zeroExtend;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Flags;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.Segments;
import java.lang.foreign.MemorySegment;

/**
 * String instructions.
 *
 * <p>A repeated one commits each element before the next, so a fault in the middle leaves the
 * registers where the instruction must continue. After a bounded number of elements it yields by
 * leaving RIP on itself: a long copy does not hold up a kick.
 */
public final class Strings {
  /** Elements per execution of a repeated instruction. */
  private static final int MAX_ELEMENTS = 4096;

  private static final int PAGE_SIZE = 4096;

  @FunctionalInterface
  private interface Element {
    void execute(Cpu cpu, Insn insn);
  }

  private Strings() {}

  private static long step(Cpu cpu, Insn insn) {
    return cpu.flags.isSet(Flags.DF) ? -insn.size() : insn.size();
  }

  private static long sourceAddress(Cpu cpu, Insn insn) {
    long offset = cpu.gpr[Cpu.RSI] & insn.addressMask();
    int segment = insn.segment();
    return segment == Segments.FLAT ? offset : cpu.linear(segment, offset, insn.size(), false);
  }

  private static long targetAddress(Cpu cpu, Insn insn, boolean write) {
    long offset = cpu.gpr[Cpu.RDI] & insn.addressMask();
    return cpu.codeBits == 64 ? offset : cpu.linear(Segments.ES, offset, insn.size(), write);
  }

  private static void advance(Cpu cpu, Insn insn, int register, long step) {
    cpu.register(register, insn.addressSize(), cpu.gpr[register] + step);
  }

  private static long count(Cpu cpu, Insn insn) {
    return zeroExtend(cpu.gpr[Cpu.RCX], insn.addressSize());
  }

  /** Runs {@code element} once, or as often as the prefix says. */
  private static void repeat(Cpu cpu, Insn insn, Element element) {
    if (!insn.repeated()) {
      element.execute(cpu, insn);
      return;
    }
    for (int i = maxElements(cpu); i > 0; i--) {
      if (count(cpu, insn) == 0) {
        return;
      }
      element.execute(cpu, insn);
      commitElement(cpu, insn);
    }
    continueLater(cpu, insn);
  }

  /** As above, ending as soon as ZF differs from what the prefix asks for. */
  private static void repeatWhile(Cpu cpu, Insn insn, Element element) {
    if (!insn.repeated()) {
      element.execute(cpu, insn);
      return;
    }
    boolean wanted = (insn.prefixes() & Insn.REP) != 0;
    for (int i = maxElements(cpu); i > 0; i--) {
      if (count(cpu, insn) == 0) {
        return;
      }
      element.execute(cpu, insn);
      commitElement(cpu, insn);
      if (cpu.flags.zero() != wanted) {
        return;
      }
    }
    continueLater(cpu, insn);
  }

  /** Under RFLAGS.TF, a #DB follows each element. */
  private static int maxElements(Cpu cpu) {
    return cpu.trapDue ? 1 : MAX_ELEMENTS;
  }

  private static boolean mayGoInBulk(Cpu cpu, Insn insn) {
    return insn.repeated() && !cpu.flags.isSet(Flags.DF) && !cpu.trapDue;
  }

  private static void commitElement(Cpu cpu, Insn insn) {
    cpu.register(Cpu.RCX, insn.addressSize(), cpu.gpr[Cpu.RCX] - 1);
    cpu.outside.commit();
  }

  private static void continueLater(Cpu cpu, Insn insn) {
    if (count(cpu, insn) != 0) {
      cpu.rip = insn.rip();
    }
  }

  public static void movs(Cpu cpu, Insn insn) {
    if (mayGoInBulk(cpu, insn) && copyBulk(cpu, insn)) {
      return;
    }
    repeat(cpu, insn, Strings::movsElement);
  }

  private static void movsElement(Cpu cpu, Insn insn) {
    int size = insn.size();
    long value = cpu.memory.load(sourceAddress(cpu, insn), size);
    cpu.memory.store(targetAddress(cpu, insn, true), size, value);
    advance(cpu, insn, Cpu.RSI, step(cpu, insn));
    advance(cpu, insn, Cpu.RDI, step(cpu, insn));
  }

  /**
   * Copies forward inside the current pages if both are plain RAM and do not overlap; then the
   * instruction goes on with what is left.
   */
  private static boolean copyBulk(Cpu cpu, Insn insn) {
    if (insn.addressSize() != 8) {
      return false;
    }
    long source = sourceAddress(cpu, insn);
    long target = targetAddress(cpu, insn, true);
    long sourceOffset = cpu.memory.directOffset(source, false);
    long targetOffset = cpu.memory.directOffset(target, true);
    long bytes = Math.min(roomInPage(source), roomInPage(target));
    long elements = bulkElements(cpu, insn, bytes);
    bytes = elements * insn.size();
    boolean disjoint = Math.abs(sourceOffset - targetOffset) >= bytes;
    if (sourceOffset < 0 || targetOffset < 0 || elements == 0 || !disjoint) {
      return false;
    }
    MemorySegment ram = cpu.memory.ram();
    MemorySegment.copy(ram, sourceOffset, ram, targetOffset, bytes);
    cpu.gpr[Cpu.RSI] += bytes;
    cpu.gpr[Cpu.RDI] += bytes;
    cpu.gpr[Cpu.RCX] -= elements;
    continueLater(cpu, insn);
    return true;
  }

  private static long roomInPage(long address) {
    return PAGE_SIZE - (address & PAGE_SIZE - 1);
  }

  private static long bulkElements(Cpu cpu, Insn insn, long bytes) {
    long fitting = bytes / insn.size();
    long wanted = cpu.gpr[Cpu.RCX];
    return Long.compareUnsigned(wanted, fitting) < 0 ? wanted : fitting;
  }

  public static void stos(Cpu cpu, Insn insn) {
    if (mayGoInBulk(cpu, insn) && fillBulk(cpu, insn)) {
      return;
    }
    repeat(cpu, insn, Strings::stosElement);
  }

  private static void stosElement(Cpu cpu, Insn insn) {
    cpu.memory.store(targetAddress(cpu, insn, true), insn.size(), cpu.gpr[Cpu.RAX]);
    advance(cpu, insn, Cpu.RDI, step(cpu, insn));
  }

  /** Fills inside the current page if all bytes of the element are the same. */
  private static boolean fillBulk(Cpu cpu, Insn insn) {
    int size = insn.size();
    byte filler = (byte) cpu.gpr[Cpu.RAX];
    boolean uniform =
        zeroExtend(cpu.gpr[Cpu.RAX], size)
            == zeroExtend((filler & 0xFFL) * 0x0101_0101_0101_0101L, size);
    if (insn.addressSize() != 8 || !uniform) {
      return false;
    }
    long target = targetAddress(cpu, insn, true);
    long offset = cpu.memory.directOffset(target, true);
    long elements = bulkElements(cpu, insn, roomInPage(target));
    if (offset < 0 || elements == 0) {
      return false;
    }
    cpu.memory.ram().asSlice(offset, elements * size).fill(filler);
    cpu.gpr[Cpu.RDI] += elements * size;
    cpu.gpr[Cpu.RCX] -= elements;
    continueLater(cpu, insn);
    return true;
  }

  public static void lods(Cpu cpu, Insn insn) {
    repeat(
        cpu,
        insn,
        (c, i) -> {
          c.register(Cpu.RAX, i.size(), c.memory.load(sourceAddress(c, i), i.size()));
          advance(c, i, Cpu.RSI, step(c, i));
        });
  }

  public static void scas(Cpu cpu, Insn insn) {
    repeatWhile(
        cpu,
        insn,
        (c, i) -> {
          long left = c.register(Cpu.RAX, i.size());
          long right = c.memory.load(targetAddress(c, i, false), i.size());
          c.flags.subtraction(left, right, Cpu.signExtend(left - right, i.size()));
          advance(c, i, Cpu.RDI, step(c, i));
        });
  }

  public static void cmps(Cpu cpu, Insn insn) {
    repeatWhile(
        cpu,
        insn,
        (c, i) -> {
          long left = c.memory.load(sourceAddress(c, i), i.size());
          long right = c.memory.load(targetAddress(c, i, false), i.size());
          c.flags.subtraction(left, right, Cpu.signExtend(left - right, i.size()));
          advance(c, i, Cpu.RSI, step(c, i));
          advance(c, i, Cpu.RDI, step(c, i));
        });
  }

  public static void ins(Cpu cpu, Insn insn) {
    repeat(
        cpu,
        insn,
        (c, i) -> {
          int port = (int) c.gpr[Cpu.RDX] & 0xFFFF;
          Ports.checkPermission(c, port, i.size());
          long target = targetAddress(c, i, true);
          c.memory.requireWritable(target, i.size());
          c.memory.store(target, i.size(), c.outside.readPort(port, i.size()));
          advance(c, i, Cpu.RDI, step(c, i));
        });
  }

  public static void outs(Cpu cpu, Insn insn) {
    repeat(
        cpu,
        insn,
        (c, i) -> {
          int port = (int) c.gpr[Cpu.RDX] & 0xFFFF;
          Ports.checkPermission(c, port, i.size());
          long value = c.memory.load(sourceAddress(c, i), i.size());
          c.outside.writePort(port, i.size(), value);
          advance(c, i, Cpu.RSI, step(c, i));
        });
  }
}
