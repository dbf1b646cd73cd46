// SPDX-License-Identifier: ISC
package dev.tealight.ffi.kvm.internal;

import dev.tealight.X86CpuState;
import dev.tealight.X86Register;
import org.jspecify.annotations.Nullable;

/**
 * A privileged instruction, as far as guests use them to start.
 *
 * @param kind which one
 * @param length of its encoding in bytes
 * @param isRegister whether its operand is a register, not memory
 * @param operand the operand's register number (0 to 15) or linear address
 * @param field the register field of its ModRM byte: a segment or control register
 * @see "Intel SDM volume 2, 2.1 and 2.2.1 (instruction format)"
 */
record PrivilegedInstruction(Kind kind, int length, boolean isRegister, long operand, int field) {

  /** What there is; those that nobody carries out have a name to be refused by. */
  enum Kind {
    CLI,
    CLTS,
    HLT,
    INVLPG,
    IRETQ,
    LGDT,
    LIDT,
    LLDT,
    LMSW,
    LTR,
    MOV_DEBUG,
    MOV_FROM_CONTROL,
    MOV_TO_CONTROL,
    MOV_TO_SEGMENT,
    RDMSR,
    RETFQ,
    STI,
    SWAPGS,
    SYSRET,
    WBINVD,
    WRMSR,
    XSETBV
  }

  /** Enough for the longest of them, with all prefixes that are understood. */
  static final int MAX_LENGTH = 9;

  /** The general-purpose registers by their numbers in instructions. */
  private static final X86Register[] REGISTERS = {
    X86Register.RAX, X86Register.RCX, X86Register.RDX, X86Register.RBX,
    X86Register.RSP, X86Register.RBP, X86Register.RSI, X86Register.RDI,
    X86Register.R8, X86Register.R9, X86Register.R10, X86Register.R11,
    X86Register.R12, X86Register.R13, X86Register.R14, X86Register.R15
  };

  static X86Register register(long number) {
    return REGISTERS[(int) number];
  }

  /**
   * {@return the instruction at the state's instruction pointer, or null if it is none of these}
   *
   * @param code at least {@link #MAX_LENGTH} bytes from there on, zeros where there is no memory
   */
  static @Nullable PrivilegedInstruction decode(byte[] code, X86CpuState state) {
    return new Decoder(code, state).decode();
  }

  private static final class Decoder {
    private static final int REX = 0x40;
    private static final int REX_W = 8;
    private static final int REX_R = 4;
    private static final int REX_X = 2;
    private static final int REX_B = 1;

    private final byte[] code;
    private final X86CpuState state;
    private int at;
    private int rex;

    // From the ModRM byte and what follows it.
    private int field;
    private boolean isRegister;
    private long operand;

    Decoder(byte[] code, X86CpuState state) {
      this.code = code;
      this.state = state;
    }

    private int next() {
      return code[at++] & 0xff;
    }

    @Nullable PrivilegedInstruction decode() {
      int opcode = next();
      if ((opcode & 0xf0) == REX) {
        rex = opcode;
        opcode = next();
      }
      boolean wide = (rex & REX_W) != 0;
      return switch (opcode) {
        case 0x0f -> escaped();
        case 0x8e -> modrm().found(Kind.MOV_TO_SEGMENT);
        case 0xcb -> wide ? found(Kind.RETFQ) : null;
        case 0xcf -> wide ? found(Kind.IRETQ) : null;
        case 0xf4 -> found(Kind.HLT);
        case 0xfa -> found(Kind.CLI);
        case 0xfb -> found(Kind.STI);
        default -> null;
      };
    }

    private @Nullable PrivilegedInstruction escaped() {
      return switch (next()) {
        case 0x00 -> modrm().group6();
        case 0x01 -> group7();
        case 0x06 -> found(Kind.CLTS);
        case 0x07 -> found(Kind.SYSRET);
        case 0x09 -> found(Kind.WBINVD);
        case 0x20 -> moved(Kind.MOV_FROM_CONTROL);
        case 0x21, 0x23 -> found(Kind.MOV_DEBUG);
        case 0x22 -> moved(Kind.MOV_TO_CONTROL);
        case 0x30 -> found(Kind.WRMSR);
        case 0x32 -> found(Kind.RDMSR);
        default -> null;
      };
    }

    private @Nullable PrivilegedInstruction group6() {
      return switch (field & 7) {
        case 2 -> found(Kind.LLDT);
        case 3 -> found(Kind.LTR);
        default -> null;
      };
    }

    private @Nullable PrivilegedInstruction group7() {
      int modrm = code[at] & 0xff;
      if (modrm == 0xd1 || modrm == 0xf8) {
        at++;
        return found(modrm == 0xd1 ? Kind.XSETBV : Kind.SWAPGS);
      }
      modrm();
      if ((field & 7) == 6) {
        return found(Kind.LMSW);
      }
      if (isRegister) {
        return null;
      }
      return switch (field & 7) {
        case 2 -> found(Kind.LGDT);
        case 3 -> found(Kind.LIDT);
        case 7 -> found(Kind.INVLPG);
        default -> null;
      };
    }

    private PrivilegedInstruction found(Kind kind) {
      return new PrivilegedInstruction(kind, at, isRegister, operand, field);
    }

    /** A move from or to a control register names a register whatever the mode bits say. */
    private PrivilegedInstruction moved(Kind kind) {
      int modrm = next();
      field = (modrm >>> 3 & 7) | ((rex & REX_R) != 0 ? 8 : 0);
      operand = (modrm & 7) | ((rex & REX_B) != 0 ? 8 : 0);
      isRegister = true;
      return found(kind);
    }

    /** Reads the operand. */
    private Decoder modrm() {
      int modrm = next();
      int mode = modrm >>> 6;
      int low = modrm & 7;
      field = (modrm >>> 3 & 7) | ((rex & REX_R) != 0 ? 8 : 0);
      int high = (rex & REX_B) != 0 ? 8 : 0;
      if (mode == 3) {
        isRegister = true;
        operand = low | high;
        return this;
      }
      long base;
      boolean relative = false;
      if (low == 4) {
        int sib = next();
        int index = (sib >>> 3 & 7) | ((rex & REX_X) != 0 ? 8 : 0);
        boolean absolute = (sib & 7) == 5 && mode == 0;
        base = absolute ? displacement(4) : state.get(register((sib & 7) | high));
        base += index == 4 ? 0 : state.get(register(index)) << (sib >>> 6);
      } else if (low == 5 && mode == 0) {
        base = displacement(4);
        relative = true;
      } else {
        base = state.get(register(low | high));
      }
      if (mode == 1) {
        base += displacement(1);
      } else if (mode == 2) {
        base += displacement(4);
      }
      operand = relative ? base + state.get(X86Register.RIP) + at : base;
      return this;
    }

    private long displacement(int byteSize) {
      int value = 0;
      for (int i = 0; i < byteSize; i++) {
        value |= next() << (8 * i);
      }
      return byteSize == 1 ? (byte) value : value;
    }
  }
}
