// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.decode;

import dev.tealight.softcpu.internal.cpu.Operation;
import java.util.List;

/**
 * One entry of the opcode tables.
 *
 * @param text mnemonic and operands
 * @param operands operands in the manual's order
 * @param operation what it does
 * @param modRm whether a ModRM byte follows
 * @param endsBlock whether the next instruction must be looked up anew
 * @param lockable whether LOCK is allowed with a memory destination
 * @param width how the operand size is chosen
 * @param modes where it exists
 * @param unit what must be enabled for it
 */
record Opcode(
    String text,
    List<Operand> operands,
    Operation operation,
    boolean modRm,
    boolean endsBlock,
    boolean lockable,
    Width width,
    Modes modes,
    Unit unit) {

  /** Which part of the processor it uses beside the integer one. */
  enum Unit {
    INTEGER,
    X87,
    MMX,
    SSE
  }

  enum Width {
    NORMAL,
    /** 64 bits unless prefixed, in 64-bit code. */
    DEFAULT_64,
    /** 64 bits always, in 64-bit code. */
    FORCED_64
  }

  enum Modes {
    ALL,
    ONLY_64,
    NOT_64
  }
}
