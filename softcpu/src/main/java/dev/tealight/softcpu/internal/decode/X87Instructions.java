// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.decode;

import dev.tealight.softcpu.internal.cpu.Operation;
import dev.tealight.softcpu.internal.cpu.X87.Arithmetic;
import dev.tealight.softcpu.internal.fp.Format;
import dev.tealight.softcpu.internal.op.X87Arithmetic;
import dev.tealight.softcpu.internal.op.X87Arithmetic.Memory;
import dev.tealight.softcpu.internal.op.X87Control;
import dev.tealight.softcpu.internal.op.X87Moves;
import dev.tealight.softcpu.internal.op.X87Transcendental;

/** Opcodes of the x87 unit, and of the state images it shares with SSE. */
final class X87Instructions {
  private X87Instructions() {}

  static void define(OpcodeTable t) {
    arithmetic(t);
    comparisons(t);
    moves(t);
    control(t);
    functions(t);
    state(t);
  }

  private static void arithmetic(OpcodeTable t) {
    arithmetic(t, 0, 0, "ADD", Arithmetic.ADD);
    arithmetic(t, 1, 1, "MUL", Arithmetic.MULTIPLY);
    arithmetic(t, 4, 5, "SUB", Arithmetic.SUBTRACT);
    arithmetic(t, 5, 4, "SUBR", Arithmetic.SUBTRACT_REVERSED);
    arithmetic(t, 6, 7, "DIV", Arithmetic.DIVIDE);
    arithmetic(t, 7, 6, "DIVR", Arithmetic.DIVIDE_REVERSED);
  }

  /** Subtraction and division have other numbers in DC and DE than in D8. */
  private static void arithmetic(
      OpcodeTable t, int reg, int swapped, String name, Arithmetic operation) {
    x87(t, "D8 /" + reg + " mem", "F" + name + " Md", with(operation, Memory.SINGLE));
    x87(t, "DC /" + reg + " mem", "F" + name + " Mq", with(operation, Memory.DOUBLE));
    x87(t, "DA /" + reg + " mem", "FI" + name + " Md", with(operation, Memory.INT32));
    x87(t, "DE /" + reg + " mem", "FI" + name + " Mw", with(operation, Memory.INT16));
    t.define("D8 /" + reg + " reg", "F" + name + " Ft", X87Arithmetic.toTop(operation));
    t.define("DC /" + swapped + " reg", "F" + name + " Ft", X87Arithmetic.toRegister(operation));
    t.define(
        "DE /" + swapped + " reg", "F" + name + "P Ft", X87Arithmetic.toRegisterAndPop(operation));
  }

  private static Operation with(Arithmetic operation, Memory memory) {
    return X87Arithmetic.withMemory(operation, memory);
  }

  private static void x87(OpcodeTable t, String key, String text, Operation operation) {
    t.define(key + " x87", text, operation);
  }

  private static void comparisons(OpcodeTable t) {
    x87(t, "D8 /2 mem", "FCOM Md", X87Arithmetic.compareMemory(Memory.SINGLE, 0));
    x87(t, "D8 /3 mem", "FCOMP Md", X87Arithmetic.compareMemory(Memory.SINGLE, 1));
    x87(t, "DC /2 mem", "FCOM Mq", X87Arithmetic.compareMemory(Memory.DOUBLE, 0));
    x87(t, "DC /3 mem", "FCOMP Mq", X87Arithmetic.compareMemory(Memory.DOUBLE, 1));
    x87(t, "DA /2 mem", "FICOM Md", X87Arithmetic.compareMemory(Memory.INT32, 0));
    x87(t, "DA /3 mem", "FICOMP Md", X87Arithmetic.compareMemory(Memory.INT32, 1));
    x87(t, "DE /2 mem", "FICOM Mw", X87Arithmetic.compareMemory(Memory.INT16, 0));
    x87(t, "DE /3 mem", "FICOMP Mw", X87Arithmetic.compareMemory(Memory.INT16, 1));
    t.define("D8 /2 reg", "FCOM Ft", X87Arithmetic.compareRegister(true, 0));
    t.define("D8 /3 reg", "FCOMP Ft", X87Arithmetic.compareRegister(true, 1));
    t.define("DC /2 reg", "FCOM Ft", X87Arithmetic.compareRegister(true, 0));
    t.define("DC /3 reg", "FCOMP Ft", X87Arithmetic.compareRegister(true, 1));
    t.define("DE /2 reg", "FCOMP Ft", X87Arithmetic.compareRegister(true, 1));
    t.define("DD /4 reg", "FUCOM Ft", X87Arithmetic.compareRegister(false, 0));
    t.define("DD /5 reg", "FUCOMP Ft", X87Arithmetic.compareRegister(false, 1));
    x87(t, "DE =D9", "FCOMPP", X87Arithmetic.compareRegister(true, 2));
    x87(t, "DA =E9", "FUCOMPP", X87Arithmetic.compareRegister(false, 2));
    t.define("DB /5 reg", "FUCOMI Ft", X87Arithmetic.compareToFlags(false, 0));
    t.define("DB /6 reg", "FCOMI Ft", X87Arithmetic.compareToFlags(true, 0));
    t.define("DF /5 reg", "FUCOMIP Ft", X87Arithmetic.compareToFlags(false, 1));
    t.define("DF /6 reg", "FCOMIP Ft", X87Arithmetic.compareToFlags(true, 1));
    x87(t, "D9 =E4", "FTST", X87Arithmetic::ftst);
    x87(t, "D9 =E5", "FXAM", X87Arithmetic::fxam);
  }

  private static void moves(OpcodeTable t) {
    x87(t, "D9 /0 mem", "FLD Md", X87Moves.loadFloat(Format.SINGLE));
    x87(t, "DD /0 mem", "FLD Mq", X87Moves.loadFloat(Format.DOUBLE));
    x87(t, "DB /5 mem", "FLD Mt", X87Moves::fldExtended);
    x87(t, "DF /0 mem", "FILD Mw", X87Moves.loadInteger(2));
    x87(t, "DB /0 mem", "FILD Md", X87Moves.loadInteger(4));
    x87(t, "DF /5 mem", "FILD Mq", X87Moves.loadInteger(8));
    x87(t, "DF /4 mem", "FBLD Mt", X87Moves::fbld);
    x87(t, "D9 /2 mem", "FST Md", X87Moves.storeFloat(Format.SINGLE, false));
    x87(t, "D9 /3 mem", "FSTP Md", X87Moves.storeFloat(Format.SINGLE, true));
    x87(t, "DD /2 mem", "FST Mq", X87Moves.storeFloat(Format.DOUBLE, false));
    x87(t, "DD /3 mem", "FSTP Mq", X87Moves.storeFloat(Format.DOUBLE, true));
    x87(t, "DB /7 mem", "FSTP Mt", X87Moves::fstpExtended);
    x87(t, "DF /2 mem", "FIST Mw", X87Moves.storeInteger(2, false, false));
    x87(t, "DF /3 mem", "FISTP Mw", X87Moves.storeInteger(2, true, false));
    x87(t, "DB /2 mem", "FIST Md", X87Moves.storeInteger(4, false, false));
    x87(t, "DB /3 mem", "FISTP Md", X87Moves.storeInteger(4, true, false));
    x87(t, "DF /7 mem", "FISTP Mq", X87Moves.storeInteger(8, true, false));
    x87(t, "DF /1 mem", "FISTTP Mw", X87Moves.storeInteger(2, true, true));
    x87(t, "DB /1 mem", "FISTTP Md", X87Moves.storeInteger(4, true, true));
    x87(t, "DD /1 mem", "FISTTP Mq", X87Moves.storeInteger(8, true, true));
    x87(t, "DF /6 mem", "FBSTP Mt", X87Moves::fbstp);
    t.define("D9 /0 reg", "FLD Ft", X87Moves::fldRegister);
    t.define("DD /2 reg", "FST Ft", X87Moves.storeRegister(false));
    t.define("DD /3 reg", "FSTP Ft", X87Moves.storeRegister(true));
    t.define("D9 /3 reg", "FSTPNCE Ft", X87Moves.storeRegister(true));
    t.define("DF /2 reg", "FSTP Ft", X87Moves.storeRegister(true));
    t.define("DF /3 reg", "FSTP Ft", X87Moves.storeRegister(true));
    t.define("D9 /1 reg", "FXCH Ft", X87Moves::fxch);
    t.define("DD /1 reg", "FXCH Ft", X87Moves::fxch);
    t.define("DF /1 reg", "FXCH Ft", X87Moves::fxch);
    t.define("DA /0 reg", "FCMOVB Ft", X87Moves.conditional(2));
    t.define("DA /1 reg", "FCMOVE Ft", X87Moves.conditional(4));
    t.define("DA /2 reg", "FCMOVBE Ft", X87Moves.conditional(6));
    t.define("DA /3 reg", "FCMOVU Ft", X87Moves.conditional(10));
    t.define("DB /0 reg", "FCMOVNB Ft", X87Moves.conditional(3));
    t.define("DB /1 reg", "FCMOVNE Ft", X87Moves.conditional(5));
    t.define("DB /2 reg", "FCMOVNBE Ft", X87Moves.conditional(7));
    t.define("DB /3 reg", "FCMOVNU Ft", X87Moves.conditional(11));
    t.define("DD /0 reg", "FFREE Ft", X87Moves::ffree);
    t.define("DF /0 reg", "FFREEP Ft", X87Moves::ffreep);
    x87(t, "D9 =F6", "FDECSTP", X87Moves::fdecstp);
    x87(t, "D9 =F7", "FINCSTP", X87Moves::fincstp);
    constants(t);
  }

  /** The significands are cut; the last argument says what follows them: less or more than half. */
  private static void constants(OpcodeTable t) {
    x87(t, "D9 =E8", "FLD1", X87Moves.constant(0, 0x8000_0000_0000_0000L, 0));
    x87(t, "D9 =E9", "FLDL2T", X87Moves.constant(1, 0xD49A_784B_CD1B_8AFEL, -1));
    x87(t, "D9 =EA", "FLDL2E", X87Moves.constant(0, 0xB8AA_3B29_5C17_F0BBL, 1));
    x87(t, "D9 =EB", "FLDPI", X87Moves.constant(1, 0xC90F_DAA2_2168_C234L, 1));
    x87(t, "D9 =EC", "FLDLG2", X87Moves.constant(-2, 0x9A20_9A84_FBCF_F798L, 1));
    x87(t, "D9 =ED", "FLDLN2", X87Moves.constant(-1, 0xB172_17F7_D1CF_79ABL, 1));
    x87(t, "D9 =EE", "FLDZ", X87Moves.constant(0, 0, 0));
  }

  private static void control(OpcodeTable t) {
    t.define("9B", "FWAIT", X87Control::fwait);
    x87(t, "D9 =D0", "FNOP", X87Control::fnop);
    x87(t, "DB =E0", "FNENI", X87Control::fnop);
    x87(t, "DB =E1", "FNDISI", X87Control::fnop);
    x87(t, "DB =E2", "FNCLEX", X87Control::fnclex);
    x87(t, "DB =E3", "FNINIT", X87Control::fninit);
    x87(t, "DB =E4", "FNSETPM", X87Control::fnop);
    x87(t, "D9 /4 mem", "FLDENV Mn", X87Control::fldenv);
    x87(t, "D9 /5 mem", "FLDCW Mw", X87Control::fldcw);
    x87(t, "D9 /6 mem", "FNSTENV Mn", X87Control::fnstenv);
    x87(t, "D9 /7 mem", "FNSTCW Mw", X87Control::fnstcw);
    x87(t, "DD /4 mem", "FRSTOR Mn", X87Control::frstor);
    x87(t, "DD /6 mem", "FNSAVE Mn", X87Control::fnsave);
    x87(t, "DD /7 mem", "FNSTSW Mw", X87Control::fnstsw);
    x87(t, "DF =E0", "FNSTSW AX", X87Control::fnstsw);
  }

  private static void functions(OpcodeTable t) {
    x87(t, "D9 =E0", "FCHS", X87Arithmetic::fchs);
    x87(t, "D9 =E1", "FABS", X87Arithmetic::fabs);
    x87(t, "D9 =F0", "F2XM1", X87Transcendental::f2xm1);
    x87(t, "D9 =F1", "FYL2X", X87Transcendental::fyl2x);
    x87(t, "D9 =F2", "FPTAN", X87Transcendental::fptan);
    x87(t, "D9 =F3", "FPATAN", X87Transcendental::fpatan);
    x87(t, "D9 =F4", "FXTRACT", X87Arithmetic::fxtract);
    x87(t, "D9 =F5", "FPREM1", X87Arithmetic::fprem1);
    x87(t, "D9 =F8", "FPREM", X87Arithmetic::fprem);
    x87(t, "D9 =F9", "FYL2XP1", X87Transcendental::fyl2xp1);
    x87(t, "D9 =FA", "FSQRT", X87Arithmetic::fsqrt);
    x87(t, "D9 =FB", "FSINCOS", X87Transcendental::fsincos);
    x87(t, "D9 =FC", "FRNDINT", X87Arithmetic::frndint);
    x87(t, "D9 =FD", "FSCALE", X87Arithmetic::fscale);
    x87(t, "D9 =FE", "FSIN", X87Transcendental::fsin);
    x87(t, "D9 =FF", "FCOS", X87Transcendental::fcos);
  }

  private static void state(OpcodeTable t) {
    x87(t, "NP 0F AE /0 mem", "FXSAVE Mn", X87Control::fxsave);
    x87(t, "NP 0F AE /1 mem", "FXRSTOR Mn", X87Control::fxrstor);
    t.define("NP 0F AE /2 mem sse", "LDMXCSR Md", X87Control::ldmxcsr);
    t.define("NP 0F AE /3 mem sse", "STMXCSR Md", X87Control::stmxcsr);
  }
}
