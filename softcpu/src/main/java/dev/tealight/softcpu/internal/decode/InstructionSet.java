// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.decode;

/** The opcode tables, each filled once. No opcode is in both. */
final class InstructionSet {
  private static final OpcodeTable GENERAL = new OpcodeTable();

  static {
    IntegerInstructions.define(GENERAL);
    SystemInstructions.define(GENERAL);
  }

  /** Filled when a guest first executes what the other table lacks: many never do. */
  private static final class Vectors {
    static final OpcodeTable TABLE = new OpcodeTable();

    static {
      PackedInstructions.define(TABLE);
      FloatInstructions.define(TABLE);
      X87Instructions.define(TABLE);
    }
  }

  private InstructionSet() {}

  /** Returns the integer and system instructions. */
  static OpcodeTable general() {
    return GENERAL;
  }

  /** Returns the instructions of MMX, SSE and x87. To fill it takes a good part of a start. */
  static OpcodeTable vectors() {
    return Vectors.TABLE;
  }
}
