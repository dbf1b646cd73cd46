// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.translate;

import static dev.tealight.softcpu.internal.translate.Emitter.A;
import static dev.tealight.softcpu.internal.translate.Emitter.B;
import static dev.tealight.softcpu.internal.translate.Emitter.C;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.op.Shifts;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.Map;

/** Shifts, rotations, products and quotients. */
final class MultiplyShiftTemplates {
  private static final ClassDesc CD_JAVA_MATH = Math.class.describeConstable().orElseThrow();
  private static final ClassDesc CD_INTEGER = Integer.class.describeConstable().orElseThrow();
  private static final ClassDesc CD_SHIFTS = Shifts.class.describeConstable().orElseThrow();

  private MultiplyShiftTemplates() {}

  static void addTo(Map<String, Template> templates) {
    templates.put("SHL", MultiplyShiftTemplates::shift);
    templates.put("SHR", MultiplyShiftTemplates::shift);
    templates.put("SAR", MultiplyShiftTemplates::shift);
    templates.put("ROL", MultiplyShiftTemplates::rotate);
    templates.put("ROR", MultiplyShiftTemplates::rotate);
    templates.put("SHLX", MultiplyShiftTemplates::shiftWithoutFlags);
    templates.put("SHRX", MultiplyShiftTemplates::shiftWithoutFlags);
    templates.put("SARX", MultiplyShiftTemplates::shiftWithoutFlags);
    templates.put("IMUL", MultiplyShiftTemplates::imul);
    templates.put("MUL", (e, i) -> wideProduct(e, i, false));
    templates.put("DIV", (e, i) -> divide(e, i, false));
    templates.put("IDIV", (e, i) -> divide(e, i, true));
  }

  // Shifts

  private static boolean shift(Emitter e, Insn i) {
    int mask = i.size() == 8 ? 63 : 31;
    if (i.src() == Insn.IMMEDIATE) {
      int count = (int) i.immediate() & mask;
      if (count == 0) {
        return false;
      }
      e.readForUpdate(i);
      e.code.lstore(A).loadConstant(count).istore(B);
      shiftBy(e, i);
      return true;
    }
    if (i.dst() < 0) {
      return false;
    }
    // By CL: a count of zero changes no flags, but clears the upper half.
    Label end = e.code.newLabel();
    e.read(i.dst(), i.size());
    e.code.lstore(A);
    e.whole(Cpu.RCX);
    e.code.l2i().loadConstant(mask).iand().istore(B);
    e.code.lload(A).lstore(C);
    e.update(i, C);
    e.code.iload(B).ifeq(end);
    shiftBy(e, i);
    e.code.labelBinding(end);
    e.known = -1;
    return true;
  }

  /** Shifts {@link Emitter#A} by the count in {@link Emitter#B}, which is not zero. */
  private static void shiftBy(Emitter e, Insn i) {
    int size = i.size();
    e.code.lload(A);
    switch (i.mnemonic()) {
      case "SHL" -> e.code.iload(B).lshl();
      case "SHR" -> {
        e.zeroExtend(size);
        e.code.iload(B).lushr();
      }
      default -> e.code.iload(B).lshr();
    }
    e.extend(size);
    e.code.lstore(C);
    e.update(i, C);
    if (!e.flagsMatter) {
      return;
    }
    e.code.lload(A);
    switch (i.mnemonic()) {
      case "SHL" -> {
        e.code.iload(B).loadConstant(8 * size).lload(C);
        e.code.invokestatic(
            CD_SHIFTS, "shlBits", MethodTypeDesc.of(CD_int, CD_long, CD_int, CD_int, CD_long));
      }
      case "SHR" -> {
        e.code.lload(A);
        e.zeroExtend(size);
        e.code.iload(B);
        e.code.invokestatic(
            CD_SHIFTS, "shrBits", MethodTypeDesc.of(CD_int, CD_long, CD_long, CD_int));
      }
      default -> {
        e.code.iload(B);
        e.code.invokestatic(CD_SHIFTS, "sarBits", MethodTypeDesc.of(CD_int, CD_long, CD_int));
      }
    }
    e.code.i2l();
    e.recordResult(C);
  }

  private static boolean rotate(Emitter e, Insn i) {
    int count = (int) i.immediate() & (i.size() == 8 ? 63 : 31);
    if (i.src() != Insn.IMMEDIATE || count == 0 || i.size() < 4) {
      return false;
    }
    boolean left = i.mnemonic().equals("ROL");
    ClassDesc type = i.size() == 8 ? Emitter.CD_LONG : CD_INTEGER;
    ClassDesc primitive = i.size() == 8 ? CD_long : CD_int;
    e.readForUpdate(i);
    if (i.size() == 4) {
      e.code.l2i();
    }
    e.code.loadConstant(count);
    e.code.invokestatic(
        type, left ? "rotateLeft" : "rotateRight", MethodTypeDesc.of(primitive, primitive, CD_int));
    if (i.size() == 4) {
      e.code.i2l();
    }
    e.code.lstore(C);
    e.update(i, C);
    if (!e.flagsMatter) {
      return true;
    }
    e.allFlags();
    e.code.lload(C);
    if (left) {
      e.math("rotatedLeft", CD_long, CD_int, CD_long);
    } else {
      e.code.loadConstant(8 * i.size());
      e.math("rotatedRight", CD_long, CD_int, CD_long, CD_int);
    }
    e.recordExplicit();
    return true;
  }

  private static boolean shiftWithoutFlags(Emitter e, Insn i) {
    e.readSource(i);
    if (i.mnemonic().equals("SHRX")) {
      e.zeroExtend(i.size());
    }
    e.whole(i.third());
    e.code.l2i().loadConstant(i.size() == 8 ? 63 : 31).iand();
    switch (i.mnemonic()) {
      case "SHLX" -> e.code.lshl();
      case "SHRX" -> e.code.lushr();
      default -> e.code.lshr();
    }
    e.write(i.dst(), i.size());
    return true;
  }

  // Products and quotients

  private static boolean imul(Emitter e, Insn i) {
    if (i.src() == Insn.NONE) {
      return wideProduct(e, i, true);
    }
    boolean three = i.name().endsWith("Iz") || i.name().endsWith("Ib");
    if (three) {
      e.readSource(i);
      e.number(i.immediate());
    } else {
      e.readFirst(i);
      e.readSource(i);
    }
    e.code.lstore(B).lstore(A).lload(A).lload(B).lmul().lstore(C);
    e.code.lload(C);
    e.write(i.dst(), i.size());
    if (e.flagsMatter) {
      e.code.lload(C).lload(A).lload(B).loadConstant(i.size());
      e.math("productBits", CD_long, CD_long, CD_long, CD_long, CD_int);
      e.code.lload(C);
      e.extend(i.size());
      e.code.lstore(C);
      e.recordResult(C);
    }
    return true;
  }

  private static boolean wideProduct(Emitter e, Insn i, boolean signed) {
    int size = i.size();
    if (size < 4) {
      return false;
    }
    e.read(Cpu.RAX, size);
    e.readFirst(i);
    if (!signed) {
      e.zeroExtend(size);
    }
    e.code.lstore(B);
    if (!signed) {
      e.zeroExtend(size);
    }
    e.code.lstore(A).lload(A).lload(B).lmul().lstore(C);
    if (size == 8) {
      e.code.lload(A).lload(B);
      e.code.invokestatic(
          CD_JAVA_MATH,
          signed ? "multiplyHigh" : "unsignedMultiplyHigh",
          MethodTypeDesc.of(CD_long, CD_long, CD_long));
    } else {
      e.code.lload(C).bipush(32).lshr();
    }
    e.code.lstore(A);
    e.code.lload(C);
    e.write(Cpu.RAX, size);
    e.code.lload(A);
    e.write(Cpu.RDX, size);
    if (e.flagsMatter) {
      // The high half says more than the low one.
      e.code.lload(A);
      e.extend(size);
      if (signed) {
        e.code.lload(C);
        e.extend(size);
        e.code.bipush(63).lshr();
      } else {
        e.code.lconst_0();
      }
      e.code.lcmp();
      e.math("carryOverflow", CD_long, CD_int);
      e.code.lload(C);
      e.extend(size);
      e.code.lstore(C);
      e.recordResult(C);
    }
    return true;
  }

  private static boolean divide(Emitter e, Insn i, boolean signed) {
    int size = i.size();
    if (size < 4) {
      return false;
    }
    String suffix = size == 8 ? "64" : "32";
    e.readFirst(i);
    if (!signed) {
      e.zeroExtend(size);
    }
    e.math("divisor", CD_long, CD_long);
    e.code.lstore(A);
    quotient(e, signed ? "signedQuotient" + suffix : "quotient" + suffix);
    e.code.lstore(B);
    quotient(e, signed ? "signedRemainder" + suffix : "remainder" + suffix);
    e.code.lstore(C).lload(B);
    e.write(Cpu.RAX, size);
    e.code.lload(C);
    e.write(Cpu.RDX, size);
    return true;
  }

  private static void quotient(Emitter e, String method) {
    e.whole(Cpu.RDX);
    e.whole(Cpu.RAX);
    e.code.lload(A);
    e.math(method, CD_long, CD_long, CD_long, CD_long);
  }
}
