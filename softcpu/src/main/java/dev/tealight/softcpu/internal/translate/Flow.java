// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.translate;

import dev.tealight.softcpu.internal.cpu.Insn;

/** Where an instruction of 64-bit code leads, as far as translated code follows. */
enum Flow {
  /** To the next one. */
  NEXT,
  CONDITIONAL,
  JUMP,
  CALL,
  RETURN,
  INDIRECT_JUMP,
  INDIRECT_CALL,
  /** To where only the interpreter finds. */
  ELSEWHERE;

  static Flow of(Insn insn) {
    return switch (insn.name()) {
      case "Jcc Jb", "Jcc Jz" -> CONDITIONAL;
      case "JMP Jb", "JMP Jz" -> JUMP;
      case "CALL Jz" -> CALL;
      case "RET", "RET Iw" -> RETURN;
      case "JMP Ev" -> INDIRECT_JUMP;
      case "CALL Ev" -> INDIRECT_CALL;
      default -> of(insn.mnemonic());
    };
  }

  static boolean isCall(Insn insn) {
    return insn.mnemonic().equals("CALL");
  }

  private static Flow of(String mnemonic) {
    return switch (mnemonic) {
      case "LOOP",
          "LOOPE",
          "LOOPNE",
          "JRCXZ",
          "JMP",
          "CALL",
          "RETF",
          "IRET",
          "INT3",
          "INT",
          "INTO",
          "INT1",
          "SYSCALL",
          "SYSRET",
          "SYSENTER",
          "SYSEXIT",
          "HLT",
          "UD2",
          "UD1",
          "UD0",
          "undefined" ->
          ELSEWHERE;
      default -> NEXT;
    };
  }
}
