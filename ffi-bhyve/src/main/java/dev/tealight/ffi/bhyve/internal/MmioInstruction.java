// SPDX-License-Identifier: ISC
package dev.tealight.ffi.bhyve.internal;

/**
 * The instruction of an access outside the guest's memory: in 64-bit mode, the moves. Of others the
 * access is not known. Reused; belongs to the vCPU thread.
 *
 * @see "Intel SDM volume 2, 2.1 (instruction format) and MOV, MOVZX, MOVSX"
 */
final class MmioInstruction {
  private static final int OPERAND_SIZE = 0x66;
  private static final int REX = 0x40;
  private static final int REX_W = 8;
  private static final int REX_R = 4;

  /** The number of an immediate operand in the place of a register's. */
  static final int IMMEDIATE = -1;

  private boolean write;
  private int width;
  private int register;
  private int registerWidth;
  private boolean high;
  private boolean signed;
  private long immediate;

  /** {@return whether the instruction at the exit is one that is known; then it is held here} */
  boolean decode(VmmRun run) {
    if (!run.isDecoded() || run.emulatedMode() != VmmStructs.CPU_MODE_64BIT) {
      return false;
    }
    int length = Math.min(run.instructionLength(), run.instructionBytes());
    int at = 0;
    int operandSize = 4;
    while (at < length && isPrefix(run.instructionByte(at))) {
      if (run.instructionByte(at) == OPERAND_SIZE) {
        operandSize = 2;
      }
      at++;
    }
    int rex = 0;
    if (at < length && (run.instructionByte(at) & 0xf0) == REX) {
      rex = run.instructionByte(at++);
      if ((rex & REX_W) != 0) {
        operandSize = 8;
      }
    }
    if (at + 1 >= length) {
      return false;
    }
    int opcode = run.instructionByte(at++);
    if (opcode == 0x0f) {
      opcode = 0x0f00 | run.instructionByte(at++);
    }
    if (at >= length || !classify(opcode, operandSize)) {
      return false;
    }
    if (isOffset(opcode)) {
      register = 0;
      high = false;
      return true;
    }
    int field = run.instructionByte(at) >>> 3 & 7;
    if (register == IMMEDIATE) {
      int size = Math.min(width, 4);
      if (field != 0 || at + size >= length) {
        return false;
      }
      immediate = immediate(run, length, size);
      return true;
    }
    register = field | ((rex & REX_R) != 0 ? 8 : 0);
    high = registerWidth == 1 && rex == 0 && register >= 4;
    if (high) {
      register -= 4;
    }
    return true;
  }

  /** Those that change neither what is accessed nor how often. */
  private static boolean isPrefix(int value) {
    return switch (value) {
      case OPERAND_SIZE, 0x67, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 -> true;
      default -> false;
    };
  }

  /** {@return whether the accumulator and an address in the instruction are the operands} */
  private static boolean isOffset(int opcode) {
    return opcode >= 0xa0 && opcode <= 0xa3;
  }

  private boolean classify(int opcode, int operandSize) {
    return switch (opcode) {
      case 0x88, 0xa2 -> set(true, 1, 0, 1, false);
      case 0x89, 0xa3 -> set(true, operandSize, 0, operandSize, false);
      case 0xc6 -> set(true, 1, IMMEDIATE, 0, false);
      case 0xc7 -> set(true, operandSize, IMMEDIATE, 0, false);
      case 0x8a, 0xa0 -> set(false, 1, 0, 1, false);
      case 0x8b, 0xa1 -> set(false, operandSize, 0, operandSize, false);
      case 0x63 -> set(false, Math.min(operandSize, 4), 0, operandSize, true);
      case 0x0fb6 -> set(false, 1, 0, operandSize, false);
      case 0x0fb7 -> set(false, 2, 0, operandSize, false);
      case 0x0fbe -> set(false, 1, 0, operandSize, true);
      case 0x0fbf -> set(false, 2, 0, operandSize, true);
      default -> false;
    };
  }

  private boolean set(boolean write, int width, int register, int registerWidth, boolean signed) {
    this.write = write;
    this.width = width;
    this.register = register;
    this.registerWidth = registerWidth;
    this.signed = signed;
    high = false;
    return true;
  }

  private static long immediate(VmmRun run, int length, int size) {
    long value = 0;
    for (int i = 0; i < size; i++) {
      value |= (long) run.instructionByte(length - size + i) << (8 * i);
    }
    return value << (64 - 8 * size) >> (64 - 8 * size);
  }

  boolean isWrite() {
    return write;
  }

  /** {@return bytes of the access: 1, 2, 4 or 8} */
  int width() {
    return width;
  }

  /** {@return what is written, zero-extended} */
  long value(VmmRegisters registers) {
    long value = register == IMMEDIATE ? immediate : registers.get(VmmRegisters.general(register));
    return (high ? value >>> 8 : value) & -1L >>> (64 - 8 * width);
  }

  /** Puts what was read where the instruction wants it. */
  void complete(VmmRegisters registers, long answer) {
    int unused = 64 - 8 * width;
    long value = signed ? answer << unused >> unused : answer << unused >>> unused;
    int number = VmmRegisters.general(register);
    if (high) {
      registers.set(number, (registers.get(number) & ~0xff00L) | (value << 8));
    } else {
      registers.setPart(number, registerWidth, value);
    }
  }
}
