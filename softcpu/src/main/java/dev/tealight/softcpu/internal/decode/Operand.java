// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.decode;

/**
 * One operand of a table entry, in the notation of the opcode maps of the processor manual (Intel
 * SDM volume 2, appendix A.2): a letter for where it is, letters for its size.
 *
 * <pre>
 * E general register or memory (ModRM.rm)      V XMM register (ModRM.reg)
 * G general register (ModRM.reg)               W XMM register or memory (ModRM.rm)
 * R general register (ModRM.rm)                U XMM register (ModRM.rm)
 * M memory (ModRM.rm)                          P MMX register (ModRM.reg)
 * Z general register (opcode)                  Q MMX register or memory (ModRM.rm)
 * B general register (VEX.vvvv)                N MMX register (ModRM.rm)
 * C control, D debug, S segment register       F x87 register ST(i) (ModRM.rm)
 * I immediate, J branch offset                 A far address, O memory by absolute offset
 * X memory at DS:rSI                           Y memory at ES:rDI
 *
 * b 1, w 2, d 4, q 8, t 10, x 16 bytes         v operand size, z the same but at most 4
 * n no size (descriptor tables, environments)  y 4, or 8 with REX.W    p far pointer in memory
 * </pre>
 *
 * Registers that the opcode implies are named: AL, AX, CL, DX, eAX (at most 4 bytes), rAX; 1 is the
 * constant.
 */
record Operand(Place place, char size, int register) {
  enum Place {
    GENERAL_OR_MEMORY,
    GENERAL,
    GENERAL_RM,
    MEMORY,
    IN_OPCODE,
    VEX_GENERAL,
    CONTROL,
    DEBUG,
    SEGMENT,
    IMMEDIATE,
    RELATIVE,
    FAR_ADDRESS,
    OFFSET,
    XMM,
    XMM_OR_MEMORY,
    XMM_RM,
    MMX,
    MMX_OR_MEMORY,
    MMX_RM,
    X87,
    FIXED,
    STRING,
    ONE
  }

  static Operand parse(String text) {
    return switch (text) {
      case "AL" -> new Operand(Place.FIXED, 'b', 0);
      case "CL" -> new Operand(Place.FIXED, 'b', 1);
      case "AX" -> new Operand(Place.FIXED, 'w', 0);
      case "DX" -> new Operand(Place.FIXED, 'w', 2);
      case "eAX" -> new Operand(Place.FIXED, 'z', 0);
      case "rAX" -> new Operand(Place.FIXED, 'v', 0);
      case "1" -> new Operand(Place.ONE, 'b', 0);
      default -> new Operand(place(text.charAt(0)), text.charAt(1), 0);
    };
  }

  private static Place place(char letter) {
    return switch (letter) {
      case 'E' -> Place.GENERAL_OR_MEMORY;
      case 'G' -> Place.GENERAL;
      case 'R' -> Place.GENERAL_RM;
      case 'M' -> Place.MEMORY;
      case 'Z' -> Place.IN_OPCODE;
      case 'B' -> Place.VEX_GENERAL;
      case 'C' -> Place.CONTROL;
      case 'D' -> Place.DEBUG;
      case 'S' -> Place.SEGMENT;
      case 'I' -> Place.IMMEDIATE;
      case 'J' -> Place.RELATIVE;
      case 'A' -> Place.FAR_ADDRESS;
      case 'O' -> Place.OFFSET;
      case 'V' -> Place.XMM;
      case 'W' -> Place.XMM_OR_MEMORY;
      case 'U' -> Place.XMM_RM;
      case 'P' -> Place.MMX;
      case 'Q' -> Place.MMX_OR_MEMORY;
      case 'N' -> Place.MMX_RM;
      case 'F' -> Place.X87;
      case 'X', 'Y' -> Place.STRING;
      default -> throw new IllegalArgumentException("operand letter " + letter);
    };
  }

  /** Returns whether the operand is described by a ModRM byte. */
  boolean needsModRm() {
    return switch (place) {
      case IN_OPCODE, VEX_GENERAL, IMMEDIATE, RELATIVE, FAR_ADDRESS, OFFSET, FIXED, STRING, ONE ->
          false;
      default -> true;
    };
  }

  Opcode.Unit unit() {
    return switch (place) {
      case XMM, XMM_OR_MEMORY, XMM_RM -> Opcode.Unit.SSE;
      case MMX, MMX_OR_MEMORY, MMX_RM -> Opcode.Unit.MMX;
      case X87 -> Opcode.Unit.X87;
      default -> Opcode.Unit.INTEGER;
    };
  }

  /** Returns the size in bytes under operand size {@code operandSize}. */
  int byteSize(int operandSize, boolean rexW) {
    return switch (size) {
      case 'b' -> 1;
      case 'w' -> 2;
      case 'd' -> 4;
      case 'q' -> 8;
      case 't' -> 10;
      case 'x' -> 16;
      case 'v', 'p' -> operandSize;
      case 'z' -> Math.min(operandSize, 4);
      case 'y' -> rexW ? 8 : 4;
      case 'n' -> operandSize;
      default -> throw new IllegalArgumentException("operand size " + size);
    };
  }
}
