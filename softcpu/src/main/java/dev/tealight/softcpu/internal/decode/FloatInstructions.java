// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.decode;

import static dev.tealight.softcpu.internal.op.SseArithmetic.compareDouble;
import static dev.tealight.softcpu.internal.op.SseArithmetic.compareSingle;
import static dev.tealight.softcpu.internal.op.SseArithmetic.horizontalDouble;
import static dev.tealight.softcpu.internal.op.SseArithmetic.horizontalSingle;
import static dev.tealight.softcpu.internal.op.SseArithmetic.packedDouble;
import static dev.tealight.softcpu.internal.op.SseArithmetic.packedSingle;
import static dev.tealight.softcpu.internal.op.SseArithmetic.scalarDouble;
import static dev.tealight.softcpu.internal.op.SseArithmetic.scalarSingle;

import dev.tealight.softcpu.internal.cpu.SseFloats.Operation;
import dev.tealight.softcpu.internal.fp.Format;
import dev.tealight.softcpu.internal.op.SseArithmetic;
import dev.tealight.softcpu.internal.op.SseConversions;
import dev.tealight.softcpu.internal.op.VectorMoves;

/** Opcodes of the floating-point part of SSE to SSE4.1. */
final class FloatInstructions {
  private FloatInstructions() {}

  static void define(OpcodeTable t) {
    moves(t);
    arithmetic(t);
    comparisons(t);
    conversions(t);
    acrossLanes(t);
  }

  private static void moves(OpcodeTable t) {
    t.define("NP 0F 10", "MOVUPS Vx,Wx", VectorMoves::unaligned);
    t.define("NP 0F 11", "MOVUPS Wx,Vx", VectorMoves::unaligned);
    t.define("66 0F 10", "MOVUPD Vx,Wx", VectorMoves::unaligned);
    t.define("66 0F 11", "MOVUPD Wx,Vx", VectorMoves::unaligned);
    t.define("F3 0F 10", "MOVSS Vd,Wd", VectorMoves::scalar32);
    t.define("F3 0F 11", "MOVSS Wd,Vd", VectorMoves::scalar32);
    t.define("F2 0F 10", "MOVSD Vq,Wq", VectorMoves::scalar64);
    t.define("F2 0F 11", "MOVSD Wq,Vq", VectorMoves::scalar64);
    t.define("NP 0F 12 mem", "MOVLPS Vq,Mq", VectorMoves::low);
    t.define("NP 0F 12 reg", "MOVHLPS Vx,Ux", VectorMoves::movhlps);
    t.define("NP 0F 13 mem", "MOVLPS Mq,Vq", VectorMoves::low);
    t.define("66 0F 12 mem", "MOVLPD Vq,Mq", VectorMoves::low);
    t.define("66 0F 13 mem", "MOVLPD Mq,Vq", VectorMoves::low);
    t.define("NP 0F 16 mem", "MOVHPS Vq,Mq", VectorMoves::high);
    t.define("NP 0F 16 reg", "MOVLHPS Vx,Ux", VectorMoves::movlhps);
    t.define("NP 0F 17 mem", "MOVHPS Mq,Vq", VectorMoves::high);
    t.define("66 0F 16 mem", "MOVHPD Vq,Mq", VectorMoves::high);
    t.define("66 0F 17 mem", "MOVHPD Mq,Vq", VectorMoves::high);
    t.define("F2 0F 12", "MOVDDUP Vx,Wq", VectorMoves::movddup);
    t.define("F3 0F 12", "MOVSLDUP Vx,Wx", VectorMoves::movsldup);
    t.define("F3 0F 16", "MOVSHDUP Vx,Wx", VectorMoves::movshdup);
    t.define("NP 0F 28", "MOVAPS Vx,Wx", VectorMoves::aligned);
    t.define("NP 0F 29", "MOVAPS Wx,Vx", VectorMoves::aligned);
    t.define("66 0F 28", "MOVAPD Vx,Wx", VectorMoves::aligned);
    t.define("66 0F 29", "MOVAPD Wx,Vx", VectorMoves::aligned);
    t.define("NP 0F 2B mem", "MOVNTPS Mx,Vx", VectorMoves::aligned);
    t.define("66 0F 2B mem", "MOVNTPD Mx,Vx", VectorMoves::aligned);
    t.define("NP 0F 50", "MOVMSKPS Gd,Ux", VectorMoves::movmskps);
    t.define("66 0F 50", "MOVMSKPD Gd,Ux", VectorMoves::movmskpd);
  }

  private static void arithmetic(OpcodeTable t) {
    basic(t, "58", "ADD", Operation.ADD);
    basic(t, "59", "MUL", Operation.MULTIPLY);
    basic(t, "5C", "SUB", Operation.SUBTRACT);
    basic(t, "5E", "DIV", Operation.DIVIDE);
    all(
        t,
        "51",
        "SQRT",
        (f, a, b) -> f.squareRoot(Format.SINGLE, b),
        (f, a, b) -> f.squareRoot(Format.DOUBLE, b));
    all(
        t,
        "5D",
        "MIN",
        (f, a, b) -> f.select(Format.SINGLE, a, b, false),
        (f, a, b) -> f.select(Format.DOUBLE, a, b, false));
    all(
        t,
        "5F",
        "MAX",
        (f, a, b) -> f.select(Format.SINGLE, a, b, true),
        (f, a, b) -> f.select(Format.DOUBLE, a, b, true));
    t.define("NP 0F 52", "RSQRTPS Vx,Wx", packedSingle(SseArithmetic::reciprocalRoot));
    t.define("F3 0F 52", "RSQRTSS Vd,Wd", scalarSingle(SseArithmetic::reciprocalRoot));
    t.define("NP 0F 53", "RCPPS Vx,Wx", packedSingle(SseArithmetic::reciprocal));
    t.define("F3 0F 53", "RCPSS Vd,Wd", scalarSingle(SseArithmetic::reciprocal));
    t.define("66 0F3A 08", "ROUNDPS Vx,Wx,Ib", SseArithmetic::roundps);
    t.define("66 0F3A 09", "ROUNDPD Vx,Wx,Ib", SseArithmetic::roundpd);
    t.define("66 0F3A 0A", "ROUNDSS Vd,Wd,Ib", SseArithmetic::roundss);
    t.define("66 0F3A 0B", "ROUNDSD Vq,Wq,Ib", SseArithmetic::roundsd);
  }

  private static void basic(OpcodeTable t, String opcode, String name, Operation operation) {
    all(
        t,
        opcode,
        name,
        (f, a, b) -> f.arithmetic32(operation, (int) a, (int) b),
        (f, a, b) -> f.arithmetic64(operation, a, b));
  }

  /** The four forms: packed and scalar, single and double. */
  private static void all(
      OpcodeTable t,
      String opcode,
      String name,
      SseArithmetic.Lane single,
      SseArithmetic.Lane wide) {
    t.define("NP 0F " + opcode, name + "PS Vx,Wx", packedSingle(single));
    t.define("66 0F " + opcode, name + "PD Vx,Wx", packedDouble(wide));
    t.define("F3 0F " + opcode, name + "SS Vd,Wd", scalarSingle(single));
    t.define("F2 0F " + opcode, name + "SD Vq,Wq", scalarDouble(wide));
  }

  private static void comparisons(OpcodeTable t) {
    t.define("NP 0F 2E", "UCOMISS Vd,Wd", compareSingle(false));
    t.define("66 0F 2E", "UCOMISD Vq,Wq", compareDouble(false));
    t.define("NP 0F 2F", "COMISS Vd,Wd", compareSingle(true));
    t.define("66 0F 2F", "COMISD Vq,Wq", compareDouble(true));
    t.define("NP 0F C2", "CMPPS Vx,Wx,Ib", SseArithmetic::cmpps);
    t.define("66 0F C2", "CMPPD Vx,Wx,Ib", SseArithmetic::cmppd);
    t.define("F3 0F C2", "CMPSS Vd,Wd,Ib", SseArithmetic::cmpss);
    t.define("F2 0F C2", "CMPSD Vq,Wq,Ib", SseArithmetic::cmpsd);
  }

  private static void conversions(OpcodeTable t) {
    t.define("F3 0F 2A", "CVTSI2SS Vd,Ey", SseConversions::cvtsi2ss);
    t.define("F2 0F 2A", "CVTSI2SD Vq,Ey", SseConversions::cvtsi2sd);
    t.define("F3 0F 2C", "CVTTSS2SI Gy,Wd", SseConversions.singleToInteger(true));
    t.define("F3 0F 2D", "CVTSS2SI Gy,Wd", SseConversions.singleToInteger(false));
    t.define("F2 0F 2C", "CVTTSD2SI Gy,Wq", SseConversions.doubleToInteger(true));
    t.define("F2 0F 2D", "CVTSD2SI Gy,Wq", SseConversions.doubleToInteger(false));
    t.define("NP 0F 2A", "CVTPI2PS Vx,Qq", SseConversions::cvtpi2ps);
    t.define("66 0F 2A", "CVTPI2PD Vx,Qq", SseConversions::cvtpi2pd);
    t.define("NP 0F 2C", "CVTTPS2PI Pq,Wq", SseConversions.singlesToMmx(true));
    t.define("NP 0F 2D", "CVTPS2PI Pq,Wq", SseConversions.singlesToMmx(false));
    t.define("66 0F 2C", "CVTTPD2PI Pq,Wx", SseConversions.doublesToMmx(true));
    t.define("66 0F 2D", "CVTPD2PI Pq,Wx", SseConversions.doublesToMmx(false));
    t.define("NP 0F 5A", "CVTPS2PD Vx,Wq", SseConversions::cvtps2pd);
    t.define("66 0F 5A", "CVTPD2PS Vx,Wx", SseConversions::cvtpd2ps);
    t.define("F3 0F 5A", "CVTSS2SD Vq,Wd", SseConversions::cvtss2sd);
    t.define("F2 0F 5A", "CVTSD2SS Vd,Wq", SseConversions::cvtsd2ss);
    t.define("NP 0F 5B", "CVTDQ2PS Vx,Wx", SseConversions::cvtdq2ps);
    t.define("66 0F 5B", "CVTPS2DQ Vx,Wx", SseConversions.singlesToIntegers(false));
    t.define("F3 0F 5B", "CVTTPS2DQ Vx,Wx", SseConversions.singlesToIntegers(true));
    t.define("F3 0F E6", "CVTDQ2PD Vx,Wq", SseConversions::cvtdq2pd);
    t.define("F2 0F E6", "CVTPD2DQ Vx,Wx", SseConversions.doublesToIntegers(false));
    t.define("66 0F E6", "CVTTPD2DQ Vx,Wx", SseConversions.doublesToIntegers(true));
  }

  private static void acrossLanes(OpcodeTable t) {
    t.define("66 0F D0", "ADDSUBPD Vx,Wx", SseArithmetic::addsubpd);
    t.define("F2 0F D0", "ADDSUBPS Vx,Wx", SseArithmetic::addsubps);
    t.define("66 0F 7C", "HADDPD Vx,Wx", horizontalDouble(Operation.ADD));
    t.define("F2 0F 7C", "HADDPS Vx,Wx", horizontalSingle(Operation.ADD));
    t.define("66 0F 7D", "HSUBPD Vx,Wx", horizontalDouble(Operation.SUBTRACT));
    t.define("F2 0F 7D", "HSUBPS Vx,Wx", horizontalSingle(Operation.SUBTRACT));
    t.define("66 0F3A 40", "DPPS Vx,Wx,Ib", SseArithmetic::dpps);
    t.define("66 0F3A 41", "DPPD Vx,Wx,Ib", SseArithmetic::dppd);
  }
}
