// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.translate;

import static java.lang.constant.ConstantDescs.CD_void;

import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.Operation;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** What the translator knows about instructions. */
final class Instructions {
  private static final ClassDesc CD_OPERATION = Operation.class.describeConstable().orElseThrow();

  /** Integer instructions that have no way to fault on registers. */
  private static final Set<String> PLAIN =
      Set.of(
          "ADD", "SUB", "CMP", "ADC", "SBB", "INC", "DEC", "NEG", "NOT", "AND", "OR", "XOR", "TEST",
          "MOV", "MOVSX", "MOVSXD", "MOVZX", "LEA", "NOP", "CBW", "CWD", "CMOVcc", "SETcc", "SHL",
          "SHR", "SAR", "ROL", "ROR", "IMUL", "MUL", "BT", "TZCNT", "LZCNT", "BSF", "BSR", "POPCNT",
          "BSWAP", "Jcc", "XCHG");

  /** Those that set all six flags and look at none. */
  private static final Set<String> SETS_FLAGS =
      Set.of("ADD", "SUB", "CMP", "NEG", "AND", "OR", "XOR", "TEST", "IMUL", "MUL");

  /** Those that neither look at flags nor set them. */
  private static final Set<String> IGNORES_FLAGS =
      Set.of("MOV", "MOVSX", "MOVSXD", "MOVZX", "LEA", "NOT", "NOP", "CBW", "CWD", "BSWAP");

  /** Ends of blocks behind which the guest goes on with the next instruction. */
  private static final Set<String> GOES_ON =
      Set.of("MOVS", "STOS", "LODS", "SCAS", "CMPS", "RDTSC", "RDTSCP");

  /** SSE instructions that touch more than XMM registers. */
  private static final Set<String> NOT_ONLY_VECTORS =
      Set.of(
          "PTEST",
          "COMISS",
          "UCOMISS",
          "PCMPESTRM",
          "PCMPESTRI",
          "PCMPISTRM",
          "PCMPISTRI",
          "MASKMOVDQU");

  private final Map<String, Template> templates = new HashMap<>();

  Instructions() {
    IntegerTemplates.addTo(templates);
    MultiplyShiftTemplates.addTo(templates);
    VectorTemplates.addTo(templates);
  }

  /** Emits the instruction; returns false if it must be interpreted. */
  boolean emit(Emitter e, Insn insn) {
    if (insn.isUnavailable()) {
      return false;
    }
    if (VectorTemplates.emitLanes(e, insn)) {
      return true;
    }
    Template template = templates.get(insn.mnemonic());
    if (template != null) {
      return template.emit(e, insn);
    }
    if (isOnlyVectors(insn)) {
      if (insn.src() == Insn.MEMORY) {
        e.putRegisters((1 << insn.base() | 1 << insn.index()) & 0xFFFF & e.usedRegisters());
      }
      execute(e, insn);
      return true;
    }
    return false;
  }

  /** Emits a call of the interpreter's operation. */
  static void execute(Emitter e, Insn insn) {
    e.constant(insn.operation(), CD_OPERATION);
    e.code.aload(Emitter.CPU);
    e.constant(insn, Emitter.CD_INSN);
    e.code.invokeinterface(
        CD_OPERATION, "execute", MethodTypeDesc.of(CD_void, Emitter.CD_CPU, Emitter.CD_INSN));
  }

  /** Whether it reads and writes XMM registers and reads memory, and nothing else. */
  private static boolean isOnlyVectors(Insn insn) {
    String operands = insn.name().substring(insn.mnemonic().length()).trim();
    if (operands.isEmpty()
        || insn.dst() == Insn.MEMORY
        || NOT_ONLY_VECTORS.contains(insn.mnemonic())) {
      return false;
    }
    for (String operand : operands.split(",", -1)) {
      if ("VWUI".indexOf(operand.charAt(0)) < 0) {
        return false;
      }
    }
    return operands.charAt(0) != 'I';
  }

  /** Whether the instruction ends by falling through to the next one, with nothing else changed. */
  boolean goesOn(Insn insn) {
    return GOES_ON.contains(insn.mnemonic()) || templates.containsKey(insn.mnemonic());
  }

  boolean cannotFault(Insn insn) {
    return !insn.hasMemory() && PLAIN.contains(insn.mnemonic()) && !insn.isUnavailable();
  }

  /** Whether the flags set by an instruction can be seen before they are set again. */
  boolean flagsMatter(Insn[] insns, int index) {
    for (int i = index + 1; i < insns.length; i++) {
      Insn insn = insns[i];
      if (!cannotFault(insn)) {
        return true;
      }
      if (SETS_FLAGS.contains(insn.mnemonic()) || isShiftByConstant(insn)) {
        return false;
      }
      if (!IGNORES_FLAGS.contains(insn.mnemonic()) && !isRotationByConstant(insn)) {
        return true;
      }
    }
    return true;
  }

  private static boolean isShiftByConstant(Insn insn) {
    return switch (insn.mnemonic()) {
      case "SHL", "SHR", "SAR" -> hasConstantCount(insn);
      default -> false;
    };
  }

  /** Whether it keeps some flags and sets others, but looks at none if nobody looks at them. */
  private static boolean isRotationByConstant(Insn insn) {
    return switch (insn.mnemonic()) {
      case "ROL", "ROR" -> insn.size() >= 4 && hasConstantCount(insn);
      default -> false;
    };
  }

  private static boolean hasConstantCount(Insn insn) {
    return insn.src() == Insn.IMMEDIATE && (insn.immediate() & 31) != 0;
  }
}
