// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.decode;

/** The opcode tables, filled once. */
final class InstructionSet {
  private static final OpcodeTable TABLE = build();

  private InstructionSet() {}

  static OpcodeTable table() {
    return TABLE;
  }

  private static OpcodeTable build() {
    OpcodeTable table = new OpcodeTable();
    IntegerInstructions.define(table);
    SystemInstructions.define(table);
    PackedInstructions.define(table);
    FloatInstructions.define(table);
    X87Instructions.define(table);
    return table;
  }
}
