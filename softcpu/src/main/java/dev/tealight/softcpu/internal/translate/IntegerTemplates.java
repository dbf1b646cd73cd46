// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.translate;

import static dev.tealight.softcpu.internal.translate.Emitter.A;
import static dev.tealight.softcpu.internal.translate.Emitter.ADDRESS;
import static dev.tealight.softcpu.internal.translate.Emitter.B;
import static dev.tealight.softcpu.internal.translate.Emitter.C;
import static dev.tealight.softcpu.internal.translate.Emitter.LEFT;
import static dev.tealight.softcpu.internal.translate.Emitter.RESULT;
import static dev.tealight.softcpu.internal.translate.Emitter.RIGHT;
import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Flags;
import dev.tealight.softcpu.internal.cpu.Insn;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.Map;

/**
 * Integer instructions, apart from shifts and products. As in the interpreter, everything that can
 * fault is done before a register or flag changes.
 */
final class IntegerTemplates {
  private static final ClassDesc CD_INTEGER = Integer.class.describeConstable().orElseThrow();
  private static final ClassDesc CD_FLAGS = Flags.class.describeConstable().orElseThrow();
  private static final MethodTypeDesc LONG_TO_INT = MethodTypeDesc.of(CD_int, CD_long);

  private IntegerTemplates() {}

  static void addTo(Map<String, Template> templates) {
    templates.put("ADD", (e, i) -> sum(e, i, true));
    templates.put("SUB", (e, i) -> sum(e, i, false));
    templates.put("CMP", IntegerTemplates::compare);
    templates.put("ADC", IntegerTemplates::adc);
    templates.put("SBB", IntegerTemplates::sbb);
    templates.put("INC", (e, i) -> step(e, i, true));
    templates.put("DEC", (e, i) -> step(e, i, false));
    templates.put("NEG", IntegerTemplates::neg);
    templates.put("NOT", IntegerTemplates::not);
    templates.put("AND", (e, i) -> logic(e, i, () -> e.code.land()));
    templates.put("OR", (e, i) -> logic(e, i, () -> e.code.lor()));
    templates.put("XOR", IntegerTemplates::xor);
    templates.put("TEST", IntegerTemplates::test);
    templates.put("MOV", IntegerTemplates::mov);
    templates.put("MOVNTI", IntegerTemplates::mov);
    templates.put("MOVSX", IntegerTemplates::mov);
    templates.put("MOVSXD", IntegerTemplates::mov);
    templates.put("MOVZX", IntegerTemplates::movzx);
    templates.put("LEA", IntegerTemplates::lea);
    templates.put("XCHG", IntegerTemplates::xchg);
    templates.put("NOP", (e, i) -> i.src() == Insn.NONE || i.dst() == Cpu.RAX || i.dst() < 0);
    templates.put("PAUSE", (e, i) -> true);
    templates.put("PREFETCH", (e, i) -> true);
    templates.put("PREFETCHW", (e, i) -> true);
    templates.put("CBW", IntegerTemplates::cbw);
    templates.put("CWD", IntegerTemplates::cwd);
    templates.put("CMOVcc", IntegerTemplates::cmov);
    templates.put("SETcc", IntegerTemplates::setcc);
    templates.put("BT", (e, i) -> bit(e, i, ""));
    templates.put("BTS", (e, i) -> bit(e, i, "setBit"));
    templates.put("BTR", (e, i) -> bit(e, i, "clearBit"));
    templates.put("BTC", (e, i) -> bit(e, i, "flipBit"));
    templates.put("TZCNT", (e, i) -> count(e, i, "trailing"));
    templates.put("LZCNT", (e, i) -> count(e, i, "leading"));
    templates.put("BSF", (e, i) -> scan(e, i, true));
    templates.put("BSR", (e, i) -> scan(e, i, false));
    templates.put("POPCNT", IntegerTemplates::popcnt);
    templates.put("BSWAP", IntegerTemplates::bswap);
    templates.put("PUSH", IntegerTemplates::push);
    templates.put("POP", IntegerTemplates::pop);
    templates.put("LEAVE", IntegerTemplates::leave);
  }

  // Sums

  private static boolean sum(Emitter e, Insn i, boolean add) {
    boolean direct = i.dst() >= 0 && e.flagsMatter;
    int left = direct ? LEFT : A;
    int right = direct ? RIGHT : B;
    int result = direct ? RESULT : C;
    e.readForUpdate(i);
    e.readSource(i);
    e.code.lstore(right).lstore(left).lload(left).lload(right);
    if (add) {
      e.code.ladd();
    } else {
      e.code.lsub();
    }
    e.extend(i.size());
    e.code.lstore(result);
    e.update(i, result);
    if (e.flagsMatter) {
      if (!direct) {
        e.code.lload(A).lstore(LEFT).lload(B).lstore(RIGHT).lload(C).lstore(RESULT);
      }
      e.kind(add ? Flags.ADDITION : Flags.SUBTRACTION);
    }
    return true;
  }

  private static boolean compare(Emitter e, Insn i) {
    e.readFirst(i);
    e.readSource(i);
    if (!e.flagsMatter) {
      e.code.pop2().pop2();
      return true;
    }
    e.code.lstore(RIGHT).lstore(LEFT).lload(LEFT).lload(RIGHT).lsub();
    e.extend(i.size());
    e.code.lstore(RESULT);
    e.kind(Flags.SUBTRACTION);
    return true;
  }

  private static boolean adc(Emitter e, Insn i) {
    e.readForUpdate(i);
    e.readSource(i);
    e.code.lstore(B).lstore(A).lload(A).lload(B).ladd();
    e.carry();
    e.code.i2l().ladd();
    e.extend(i.size());
    e.code.lstore(C);
    e.update(i, C);
    e.code.lload(A).lstore(LEFT).lload(B).lstore(RIGHT).lload(C).lstore(RESULT);
    e.kind(Flags.ADDITION);
    return true;
  }

  private static boolean sbb(Emitter e, Insn i) {
    e.readForUpdate(i);
    e.readSource(i);
    e.code.lstore(B).lstore(A).lload(A).lload(B).lsub();
    e.carry();
    e.code.i2l().lsub();
    e.extend(i.size());
    e.code.lstore(C);
    e.update(i, C);
    e.code.lload(A).lload(B).lload(C);
    e.code.invokestatic(
        CD_FLAGS, "borrowBits", MethodTypeDesc.of(CD_int, CD_long, CD_long, CD_long));
    e.code.i2l();
    e.recordResult(C);
    return true;
  }

  private static boolean step(Emitter e, Insn i, boolean up) {
    e.readForUpdate(i);
    e.code.lstore(A).lload(A).lconst_1();
    if (up) {
      e.code.ladd();
    } else {
      e.code.lsub();
    }
    e.extend(i.size());
    e.code.lstore(C);
    e.update(i, C);
    e.carry();
    e.code.lload(A).lload(C).loadConstant(up ? 1 : 0);
    e.math("stepBits", CD_long, CD_boolean, CD_long, CD_long, CD_boolean);
    e.recordResult(C);
    return true;
  }

  private static boolean neg(Emitter e, Insn i) {
    e.readForUpdate(i);
    e.code.lstore(A).lload(A).lneg();
    e.extend(i.size());
    e.code.lstore(C);
    e.update(i, C);
    e.code.lconst_0().lstore(LEFT).lload(A).lstore(RIGHT).lload(C).lstore(RESULT);
    e.kind(Flags.SUBTRACTION);
    return true;
  }

  // Bitwise

  private static boolean not(Emitter e, Insn i) {
    e.readForUpdate(i);
    e.number(-1);
    e.code.lxor().lstore(C);
    e.update(i, C);
    return true;
  }

  private static boolean logic(Emitter e, Insn i, Runnable operation) {
    int result = i.dst() >= 0 && e.flagsMatter ? RESULT : C;
    e.readForUpdate(i);
    e.readSource(i);
    operation.run();
    e.code.lstore(result);
    e.update(i, result);
    e.recordLogic(result);
    return true;
  }

  private static boolean xor(Emitter e, Insn i) {
    if (i.dst() >= 0 && i.dst() == i.src() && i.size() >= 4) {
      e.code.lconst_0();
      e.setWhole(i.dst());
      if (e.flagsMatter) {
        e.code.lconst_0().lstore(RESULT);
      }
      e.recordLogic(RESULT);
      return true;
    }
    return logic(e, i, () -> e.code.lxor());
  }

  private static boolean test(Emitter e, Insn i) {
    e.readFirst(i);
    if (i.dst() < 0 || i.dst() != i.src()) {
      e.readSource(i);
      e.code.land();
    }
    if (e.flagsMatter) {
      e.code.lstore(RESULT);
    } else {
      e.code.pop2();
    }
    e.recordLogic(RESULT);
    return true;
  }

  // Moves

  /** Whether the instruction is one of the moves of segment, control and debug registers. */
  private static boolean isSpecial(Insn i) {
    return switch (i.name()) {
      case "MOV Ev,Sw", "MOV Sw,Ew", "MOV Rq,Cq", "MOV Cq,Rq", "MOV Rq,Dq", "MOV Dq,Rq" -> true;
      default -> false;
    };
  }

  private static boolean mov(Emitter e, Insn i) {
    if (isSpecial(i)) {
      return false;
    }
    if (i.dst() >= 0) {
      if (i.src() >= 0 && i.sourceSize() == i.size() && i.size() >= 4) {
        e.whole(i.src()); // writing it cuts it
      } else {
        e.readSource(i);
      }
      e.write(i.dst(), i.size());
      return true;
    }
    e.address(i);
    if (i.src() >= 0 && i.src() < Cpu.AH) {
      e.whole(i.src());
    } else {
      e.readSource(i);
    }
    e.storeAddressed(i.size());
    return true;
  }

  private static boolean movzx(Emitter e, Insn i) {
    e.readSource(i);
    e.zeroExtend(i.sourceSize());
    e.write(i.dst(), i.size());
    return true;
  }

  private static boolean lea(Emitter e, Insn i) {
    e.offset(i);
    e.write(i.dst(), i.size());
    return true;
  }

  private static boolean xchg(Emitter e, Insn i) {
    e.readForUpdate(i);
    e.code.lstore(A);
    e.readSource(i);
    e.code.lstore(B);
    e.update(i, B);
    e.code.lload(A);
    e.write(i.src(), i.size());
    return true;
  }

  private static boolean cbw(Emitter e, Insn i) {
    e.read(Cpu.RAX, i.size() / 2);
    e.write(Cpu.RAX, i.size());
    return true;
  }

  private static boolean cwd(Emitter e, Insn i) {
    e.read(Cpu.RAX, i.size());
    e.code.bipush(63).lshr();
    e.write(Cpu.RDX, i.size());
    return true;
  }

  private static boolean cmov(Emitter e, Insn i) {
    e.readSource(i);
    e.code.lstore(A);
    Label move = e.code.newLabel();
    Label end = e.code.newLabel();
    e.branchIf(i.opcode(), move);
    e.read(i.dst(), i.size()); // clears the upper half
    e.code.goto_(end).labelBinding(move).lload(A).labelBinding(end);
    e.write(i.dst(), i.size());
    return true;
  }

  private static boolean setcc(Emitter e, Insn i) {
    Label set = e.code.newLabel();
    Label end = e.code.newLabel();
    e.branchIf(i.opcode(), set);
    e.code.lconst_0().goto_(end).labelBinding(set).lconst_1().labelBinding(end).lstore(A);
    if (i.dst() >= 0) {
      e.code.lload(A);
      e.write(i.dst(), 1);
    } else {
      e.address(i);
      e.code.lload(A);
      e.storeAddressed(1);
    }
    return true;
  }

  // Bits

  private static boolean bit(Emitter e, Insn i, String change) {
    if (i.dst() < 0) {
      return false;
    }
    e.read(i.dst(), i.size());
    e.code.lstore(A);
    e.readSource(i);
    e.number(i.size() * 8 - 1);
    e.code.land().lstore(B);
    if (!change.isEmpty()) {
      e.code.lload(A).lload(B);
      e.math(change, CD_long, CD_long, CD_long);
      e.write(i.dst(), i.size());
    }
    if (e.flagsMatter) {
      e.allFlags();
      e.code.lload(A).lload(B).l2i().lshr();
      e.math("withCarry", CD_long, CD_int, CD_long);
      e.recordExplicit();
    }
    return true;
  }

  private static boolean count(Emitter e, Insn i, String method) {
    e.readSource(i);
    e.zeroExtend(i.size());
    e.code.lstore(A).lload(A).loadConstant(8 * i.size());
    e.math(method, CD_long, CD_long, CD_int);
    e.code.lstore(C).lload(C);
    e.write(i.dst(), i.size());
    e.code.lload(A);
    e.math("zeroIsCarry", CD_long, CD_long);
    e.recordResult(C);
    return true;
  }

  private static boolean scan(Emitter e, Insn i, boolean forward) {
    Label zero = e.code.newLabel();
    e.readSource(i);
    e.zeroExtend(i.size());
    e.code.lstore(A).lload(A).lconst_0().lcmp().ifeq(zero);
    if (!forward) {
      e.number(63);
    }
    e.code.lload(A);
    e.javaLong(forward ? "numberOfTrailingZeros" : "numberOfLeadingZeros", LONG_TO_INT);
    e.code.i2l();
    if (!forward) {
      e.code.lsub();
    }
    e.write(i.dst(), i.size());
    e.code.labelBinding(zero);
    if (e.flagsMatter) {
      e.allFlags();
      e.code.lload(A);
      e.math("withZero", CD_long, CD_int, CD_long);
      e.recordExplicit();
    }
    return true;
  }

  private static boolean popcnt(Emitter e, Insn i) {
    e.readSource(i);
    e.zeroExtend(i.size());
    e.code.lstore(A).lload(A);
    e.math("countBits", CD_long, CD_long);
    e.write(i.dst(), i.size());
    e.code.lload(A);
    e.math("zeroFlag", CD_long, CD_long);
    e.recordExplicit();
    return true;
  }

  private static boolean bswap(Emitter e, Insn i) {
    if (i.size() < 4) {
      return false;
    }
    e.whole(i.dst());
    if (i.size() == 8) {
      e.javaLong("reverseBytes", MethodTypeDesc.of(CD_long, CD_long));
    } else {
      e.code.l2i();
      e.code.invokestatic(CD_INTEGER, "reverseBytes", MethodTypeDesc.of(CD_int, CD_int)).i2l();
    }
    e.write(i.dst(), i.size());
    return true;
  }

  // Stack

  /** Pushes a local variable on the guest's stack. */
  static void pushLocal(Emitter e, int local) {
    e.whole(Cpu.RSP);
    e.number(8);
    e.code.lsub().lstore(ADDRESS);
    e.code.lload(ADDRESS).lload(local);
    e.storeAddressed(8);
    e.code.lload(ADDRESS);
    e.setWhole(Cpu.RSP);
  }

  private static boolean push(Emitter e, Insn i) {
    if (i.size() != 8) {
      return false;
    }
    if (i.dst() == Insn.NONE) {
      e.number(i.immediate());
    } else {
      e.readFirst(i);
    }
    e.code.lstore(A);
    pushLocal(e, A);
    return true;
  }

  private static boolean pop(Emitter e, Insn i) {
    if (i.size() != 8 || i.dst() < 0) {
      return false;
    }
    popToLocal(e, A, 8);
    e.code.lload(A);
    e.setWhole(i.dst()); // last: POP RSP
    return true;
  }

  /** Takes 8 bytes from the guest's stack, and drops the rest of {@code byteSize}. */
  static void popToLocal(Emitter e, int local, long byteSize) {
    e.whole(Cpu.RSP);
    e.loadAddressed(8);
    e.code.lstore(local);
    e.whole(Cpu.RSP);
    e.number(byteSize);
    e.code.ladd();
    e.setWhole(Cpu.RSP);
  }

  private static boolean leave(Emitter e, Insn i) {
    if (i.size() != 8) {
      return false;
    }
    e.whole(Cpu.RBP);
    e.loadAddressed(8);
    e.code.lstore(A);
    e.whole(Cpu.RBP);
    e.number(8);
    e.code.ladd();
    e.setWhole(Cpu.RSP);
    e.code.lload(A);
    e.setWhole(Cpu.RBP);
    return true;
  }
}
