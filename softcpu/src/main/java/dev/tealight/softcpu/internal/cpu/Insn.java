// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.cpu;

/**
 * A decoded instruction.
 *
 * <p>Immutable, and a record on purpose: where one is a constant of translated code, the JIT may
 * treat its components as constants too.
 *
 * @param operation what it does
 * @param name mnemonic and operands as the decoding table has them
 * @param rip address of the first byte, relative to CS
 * @param next address of the byte behind it, relative to CS
 * @param opcode the last opcode byte; its low four bits select a condition where there is one
 * @param size bytes of the operation, that is of the first operand
 * @param sourceSize bytes of the second operand
 * @param dst first operand: a register, {@link #MEMORY} or {@link #NONE}
 * @param src second operand: a register, {@link #MEMORY} or {@link #IMMEDIATE}
 * @param third third operand: a register (for instance VEX.vvvv)
 * @param immediate the immediate, sign-extended, or the target of a relative branch
 * @param base base register of the memory operand; {@link Cpu#ZERO} if there is none
 * @param index index register of the memory operand; {@link Cpu#ZERO} if there is none
 * @param scale shift of the index, 0 to 3
 * @param displacement displacement; RIP-relative ones are resolved
 * @param addressMask all ones for 64-bit addresses, 32 or 16 low bits for the others
 * @param segment segment of the memory operand, {@link Segments#FLAT} if it has no effect
 * @param prefixes bits {@link #REP}, {@link #REPNE}, {@link #LOCK}, {@link #REX}, {@link #REX_W}
 * @param addressSize 2, 4 or 8
 */
public record Insn(
    Operation operation,
    String name,
    long rip,
    long next,
    int opcode,
    int size,
    int sourceSize,
    int dst,
    int src,
    int third,
    long immediate,
    int base,
    int index,
    int scale,
    long displacement,
    long addressMask,
    int segment,
    int prefixes,
    int addressSize) {

  public static final int MEMORY = -1;
  public static final int IMMEDIATE = -2;
  public static final int NONE = -3;

  public static final int REP = 1;
  public static final int REPNE = 2;
  public static final int LOCK = 4;
  public static final int REX = 8;
  public static final int OPERAND_SIZE = 16;
  public static final int REX_W = 32;

  /** What an instruction does whose unit is switched off. */
  public static final class Unavailable implements Operation {
    private final int vector;

    public Unavailable(int vector) {
      this.vector = vector;
    }

    @Override
    public void execute(Cpu cpu, Insn insn) {
      throw cpu.fault.raise(vector);
    }
  }

  /** Returns whether it only ever faults, because its unit is switched off or it is undefined. */
  public boolean isUnavailable() {
    return operation instanceof Unavailable;
  }

  /** Returns the first word of the name. */
  public String mnemonic() {
    int end = name.indexOf(' ');
    return end < 0 ? name : name.substring(0, end);
  }

  public boolean hasMemory() {
    return dst == MEMORY || src == MEMORY;
  }

  /** Returns whether the memory operand is relative to the stack or frame pointer. */
  public boolean addressesStack() {
    return hasMemory() && segment == Segments.FLAT && (base == Cpu.RSP || base == Cpu.RBP);
  }

  public boolean repeated() {
    return (prefixes & (REP | REPNE)) != 0;
  }
}
