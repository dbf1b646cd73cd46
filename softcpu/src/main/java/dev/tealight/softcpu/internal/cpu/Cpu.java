// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

import dev.tealight.softcpu.internal.fault.GuestFault;
import dev.tealight.softcpu.internal.memory.CodePages;
import dev.tealight.softcpu.internal.memory.LinearMemory;
import java.util.Arrays;

/**
 * The state of one processor, and the operand accesses every instruction is made of.
 *
 * <p>Used by one thread at a time. All values are held in their natural width; operands of 8, 16
 * and 32 bits are handed out sign-extended to 64 bits.
 */
public final class Cpu {
  public static final int RAX = 0;
  public static final int RCX = 1;
  public static final int RDX = 2;
  public static final int RBX = 3;
  public static final int RSP = 4;
  public static final int RBP = 5;
  public static final int RSI = 6;
  public static final int RDI = 7;

  /** A register that is always zero: stands for a base or index that is not there. */
  public static final int ZERO = 16;

  /** AH is this, CH, DH and BH follow. */
  public static final int AH = 20;

  /** {@link #attention}: an exit is ready. */
  public static final int EXIT_READY = 1;

  /** {@link #attention}: interrupts are held off until one more instruction has run. */
  public static final int INTERRUPT_SHADOW = 2;

  /** {@link #attention}: an interrupt waits. */
  public static final int INTERRUPT_PENDING = 4;

  /** {@link #attention}: TF is set or a debugger is at work: instructions run one by one. */
  public static final int STEPPING = 8;

  public final long[] gpr = new long[17];
  public long rip;
  public final Flags flags = new Flags();
  public final GuestFault fault = new GuestFault();
  public final Segments segments = new Segments(fault);
  public final ExitState exit = new ExitState();
  public final Outside outside;
  public final LinearMemory memory;
  public final Environment environment;
  public final SystemRegisters system;
  public final Fpu fpu = new Fpu();
  public final Sse sse = new Sse();
  public final SseFloats floats = new SseFloats(this);
  public final X87 x87 = new X87(this);

  /** Instructions executed; those of the running block are counted when it starts. */
  public long retired;

  /** Reasons to look up between two blocks, bits of the constants above. */
  public int attention;

  /** Vector of the waiting external interrupt, if {@link #INTERRUPT_PENDING}. */
  public int pendingVector;

  /** INT3 leaves to a debugger instead of raising #BP. */
  public boolean debugBreakpoints;

  /**
   * A #DB follows the running instruction, because TF was set when it started. An instruction that
   * delivers an event takes that back: TF is clear in the handler.
   */
  public boolean trapDue;

  /** Current privilege level. */
  public int privilege;

  /** 64, 32 or 16: how instructions are decoded. */
  public int codeBits = 16;

  private long stackMask = 0xFFFF;
  private long codeBase;

  public Cpu(Ram ram, Environment environment, CodePages codePages) {
    this.outside = new Outside(ram, exit);
    this.memory = new LinearMemory(outside, fault, codePages);
    this.environment = environment;
    this.system = new SystemRegisters(this);
  }

  /** Sets the state after power-on (Intel SDM volume 3, table 11-1). */
  public void reset() {
    Arrays.fill(gpr, 0);
    gpr[RDX] = 0x600;
    for (int segment = Segments.ES; segment <= Segments.GS; segment++) {
      segments.set(segment, 0, 0, 0xFFFF, 0x93);
    }
    segments.set(Segments.CS, 0xF000, 0xFFFF_0000L, 0xFFFF, 0x9B);
    segments.set(Segments.LDTR, 0, 0, 0xFFFF, 0x82);
    segments.set(Segments.TR, 0, 0, 0xFFFF, 0x8B);
    rip = 0xFFF0;
    flags.value(2);
    fpu.resetAll();
    Arrays.fill(sse.xmm, 0);
    sse.mxcsr = Sse.RESET_MXCSR;
    system.msrs.reset();
    system.cr2 = 0;
    system.cr8 = 0;
    system.gdtBase = 0;
    system.gdtLimit = 0xFFFF;
    system.idtBase = 0;
    system.idtLimit = 0xFFFF;
    privilege = 0;
    system.restore(SystemRegisters.CR0_ET | CR0_CACHE_DISABLED, 0, 0, 0);
  }

  private static final long CR0_CACHE_DISABLED = 0x6000_0000;

  // Registers

  /** Returns a general register's low {@code size} bytes, sign-extended. */
  public long register(int number, int size) {
    if (number >= AH) {
      return (byte) (gpr[number - AH] >> 8);
    }
    int shift = 64 - (size << 3);
    return gpr[number] << shift >> shift;
  }

  /** Sets a general register's low {@code size} bytes; 4-byte writes clear the upper half. */
  public void register(int number, int size, long value) {
    switch (size) {
      case 8 -> gpr[number] = value;
      case 4 -> gpr[number] = value & 0xFFFF_FFFFL;
      case 2 -> gpr[number] = (gpr[number] & ~0xFFFFL) | (value & 0xFFFF);
      default -> {
        if (number >= AH) {
          gpr[number - AH] = (gpr[number - AH] & ~0xFF00L) | (value & 0xFF) << 8;
        } else {
          gpr[number] = (gpr[number] & ~0xFFL) | (value & 0xFF);
        }
      }
    }
  }

  public static long signExtend(long value, int size) {
    int shift = 64 - (size << 3);
    return value << shift >> shift;
  }

  public static long zeroExtend(long value, int size) {
    return value & -1L >>> (64 - (size << 3));
  }

  // Operands

  /** Returns the offset of the memory operand inside its segment. */
  public long effectiveAddress(Insn insn) {
    return gpr[insn.base()] + (gpr[insn.index()] << insn.scale()) + insn.displacement()
        & insn.addressMask();
  }

  /** Returns the linear address of the memory operand. */
  public long address(Insn insn, int byteSize, boolean write) {
    return linearOf(insn, effectiveAddress(insn), byteSize, write);
  }

  /** Returns the linear address of an implied operand in the instruction's data segment. */
  public long linearOf(Insn insn, long offset, int byteSize, boolean write) {
    int segment = insn.segment();
    return segment == Segments.FLAT ? offset : linear(segment, offset, byteSize, write);
  }

  /** Returns the linear address of {@code offset} in {@code segment}, after the checks due. */
  public long linear(int segment, long offset, int byteSize, boolean write) {
    if (codeBits == 64) {
      return segment >= Segments.FS ? segments.base(segment) + offset : offset;
    }
    return segments.legacyLinear(segment, offset, byteSize, write);
  }

  public long load(Insn insn, int size) {
    return memory.load(address(insn, size, false), size);
  }

  public long readDst(Insn insn) {
    int register = insn.dst();
    int size = insn.size();
    return register >= 0 ? register(register, size) : load(insn, size);
  }

  /** Reads the first operand; a fault is reported as that of a write, because one follows. */
  public long readDstForUpdate(Insn insn) {
    int register = insn.dst();
    int size = insn.size();
    if (register >= 0) {
      return register(register, size);
    }
    long address = address(insn, size, true);
    memory.requireWritable(address, size);
    return memory.load(address, size);
  }

  public void writeDst(Insn insn, long value) {
    int register = insn.dst();
    int size = insn.size();
    if (register >= 0) {
      register(register, size, value);
    } else {
      memory.store(address(insn, size, true), size, value);
    }
  }

  public long readSrc(Insn insn) {
    int register = insn.src();
    int size = insn.sourceSize();
    if (register >= 0) {
      return register(register, size);
    }
    return register == Insn.MEMORY ? load(insn, size) : insn.immediate();
  }

  // Stack

  public void push(long value, int size) {
    poke(size, size, value);
    stackPointer(gpr[RSP] - size);
  }

  public long pop(int size) {
    long value = peek(0, size);
    stackPointer(gpr[RSP] + size);
    return value;
  }

  /** Returns what lies {@code offset} bytes above the top of the stack. */
  public long peek(int offset, int size) {
    return memory.load(stackAddress(gpr[RSP] + offset, size, false), size);
  }

  /** Stores what lies {@code offset} bytes below the top of the stack; RSP stays. */
  public void poke(int offset, int size, long value) {
    memory.store(stackAddress(gpr[RSP] - offset, size, true), size, value);
  }

  public long stackAddress(long pointer, int size, boolean write) {
    if (codeBits == 64) {
      if (pointer << 16 >> 16 != pointer) {
        throw fault.stack(0);
      }
      return pointer;
    }
    return segments.legacyLinear(Segments.SS, pointer & stackMask, size, write);
  }

  /** Sets as much of RSP as the stack's width covers. */
  public void stackPointer(long pointer) {
    gpr[RSP] = codeBits == 64 ? pointer : (gpr[RSP] & ~stackMask) | (pointer & stackMask);
  }

  // Control flow

  /** Continues at {@code target}, cut to {@code size} bytes. */
  public void jump(long target, int size) {
    long destination = size == 8 ? target : zeroExtend(target, size);
    if (codeBits == 64) {
      if (destination << 16 >> 16 != destination) {
        throw fault.protection(0);
      }
    } else if (destination > segments.limit(Segments.CS)) {
      throw fault.protection(0);
    }
    rip = destination;
  }

  /** Returns the linear address of {@code offset} in the code segment. */
  public long codeAddress(long offset) {
    return codeBits == 64 ? offset : segments.base(Segments.CS) + offset & 0xFFFF_FFFFL;
  }

  /** Loads CS in real mode. */
  public void realCode(int selector) {
    segments.set(Segments.CS, selector, (long) selector << 4, 0xFFFF, 0x9B);
    modeChanged();
  }

  /** Recomputes what depends on CS, SS, the privilege level and the control registers. */
  public void modeChanged() {
    int code = segments.attributes(Segments.CS);
    boolean longMode = system.longModeActive();
    int oldBits = codeBits;
    long oldBase = codeBase;
    if (longMode && (code & Segments.LONG_CODE) != 0) {
      codeBits = 64;
    } else {
      codeBits = (code & Segments.BIG) != 0 ? 32 : 16;
    }
    boolean bigStack = (segments.attributes(Segments.SS) & Segments.BIG) != 0;
    stackMask = bigStack ? 0xFFFF_FFFFL : 0xFFFF;
    memory.paging.wideAddresses = codeBits == 64;
    memory.selectPrivilege(privilege == 3);
    codeBase = codeBits == 64 ? 0 : segments.base(Segments.CS);
    if (codeBits != oldBits || codeBase != oldBase) {
      memory.codeDropped(); // the same RIP now means other instructions
    }
  }

  /** MOV SS and POP SS hold off interrupts and #DB until one more instruction has run. */
  public void stackSegmentLoaded() {
    attention |= INTERRUPT_SHADOW;
    trapDue = false;
  }

  /** Leaves to the debugger on an INT3, with RIP on it. */
  public void softwareBreakpoint(Insn insn) {
    rip = insn.rip();
    exit.debugCause = ExitState.DebugCause.SOFTWARE_BREAKPOINT;
    exit.address = codeAddress(rip);
    leave(ExitReason.DEBUG);
  }

  public void requirePrivilege0() {
    if (privilege != 0) {
      throw fault.protection(0);
    }
  }

  /** Ends the block after this instruction with an exit to the monitor. */
  public void leave(ExitReason reason) {
    exit.reason = reason;
    attention |= EXIT_READY;
  }
}
