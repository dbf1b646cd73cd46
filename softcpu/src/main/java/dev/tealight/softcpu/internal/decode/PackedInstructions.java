// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.decode;

import static dev.tealight.softcpu.internal.op.Lanes.bytes;
import static dev.tealight.softcpu.internal.op.Lanes.ints;
import static dev.tealight.softcpu.internal.op.Lanes.words;

import dev.tealight.softcpu.internal.op.Aes;
import dev.tealight.softcpu.internal.op.Lanes;
import dev.tealight.softcpu.internal.op.PackedIntegers;
import dev.tealight.softcpu.internal.op.PackedIntegers.Shift;
import dev.tealight.softcpu.internal.op.Sha;
import dev.tealight.softcpu.internal.op.Shuffles;
import dev.tealight.softcpu.internal.op.TextStrings;
import dev.tealight.softcpu.internal.op.VectorMoves;
import dev.tealight.softcpu.internal.op.Vectors;
import java.util.function.IntBinaryOperator;

/** Opcodes of packed integer instructions: MMX, and the integer part of SSE2 to SSE4.2. */
final class PackedInstructions {
  private PackedInstructions() {}

  static void define(OpcodeTable t) {
    additions(t);
    saturated(t);
    comparisons(t);
    products(t);
    bitwise(t);
    shifts(t);
    packing(t);
    supplemental(t);
    wide(t);
    moves(t);
    textAndCryptography(t);
  }

  /** Defines the MMX form and the SSE form of an operation on 64-bit halves. */
  private static void both(OpcodeTable t, String opcode, String name, Lanes.Binary operation) {
    t.define("NP " + opcode, name + " Pq,Qq", Vectors.mmx(operation));
    sse(t, opcode, name, operation);
  }

  private static void sse(OpcodeTable t, String opcode, String name, Lanes.Binary operation) {
    t.define("66 " + opcode, name + " Vx,Wx", Vectors.packed(operation));
  }

  private static void additions(OpcodeTable t) {
    both(t, "0F FC", "PADDB", Lanes::addBytes);
    both(t, "0F FD", "PADDW", Lanes::addWords);
    both(t, "0F FE", "PADDD", Lanes::addInts);
    both(t, "0F D4", "PADDQ", Long::sum);
    both(t, "0F F8", "PSUBB", Lanes::subtractBytes);
    both(t, "0F F9", "PSUBW", Lanes::subtractWords);
    both(t, "0F FA", "PSUBD", Lanes::subtractInts);
    both(t, "0F FB", "PSUBQ", (a, b) -> a - b);
    both(t, "0F E0", "PAVGB", (a, b) -> bytes(a, b, (x, y) -> ((x & 0xFF) + (y & 0xFF) + 1) >> 1));
    both(
        t,
        "0F E3",
        "PAVGW",
        (a, b) -> words(a, b, (x, y) -> ((x & 0xFFFF) + (y & 0xFFFF) + 1) >> 1));
    both(t, "0F F6", "PSADBW", PackedIntegers::psadbw);
  }

  private static void saturated(OpcodeTable t) {
    both(t, "0F EC", "PADDSB", (a, b) -> bytes(a, b, (x, y) -> Lanes.clampByte(x + y)));
    both(t, "0F ED", "PADDSW", (a, b) -> words(a, b, (x, y) -> Lanes.clampShort(x + y)));
    both(t, "0F E8", "PSUBSB", (a, b) -> bytes(a, b, (x, y) -> Lanes.clampByte(x - y)));
    both(t, "0F E9", "PSUBSW", (a, b) -> words(a, b, (x, y) -> Lanes.clampShort(x - y)));
    both(
        t,
        "0F DC",
        "PADDUSB",
        (a, b) -> bytes(a, b, (x, y) -> Lanes.clampUnsignedByte((x & 0xFF) + (y & 0xFF))));
    both(
        t,
        "0F DD",
        "PADDUSW",
        (a, b) -> words(a, b, (x, y) -> Lanes.clampUnsignedShort((x & 0xFFFF) + (y & 0xFFFF))));
    both(
        t,
        "0F D8",
        "PSUBUSB",
        (a, b) -> bytes(a, b, (x, y) -> Lanes.clampUnsignedByte((x & 0xFF) - (y & 0xFF))));
    both(
        t,
        "0F D9",
        "PSUBUSW",
        (a, b) -> words(a, b, (x, y) -> Lanes.clampUnsignedShort((x & 0xFFFF) - (y & 0xFFFF))));
  }

  private static void comparisons(OpcodeTable t) {
    both(t, "0F 74", "PCMPEQB", Lanes::equalBytes);
    both(t, "0F 75", "PCMPEQW", (a, b) -> words(a, b, (x, y) -> x == y ? -1 : 0));
    both(t, "0F 76", "PCMPEQD", (a, b) -> ints(a, b, (x, y) -> x == y ? -1 : 0));
    sse(t, "0F38 29", "PCMPEQQ", (a, b) -> a == b ? -1 : 0);
    both(t, "0F 64", "PCMPGTB", (a, b) -> bytes(a, b, (x, y) -> x > y ? -1 : 0));
    both(t, "0F 65", "PCMPGTW", (a, b) -> words(a, b, (x, y) -> x > y ? -1 : 0));
    both(t, "0F 66", "PCMPGTD", (a, b) -> ints(a, b, (x, y) -> x > y ? -1 : 0));
    sse(t, "0F38 37", "PCMPGTQ", (a, b) -> a > b ? -1 : 0);
    IntBinaryOperator unsignedByteMin = (x, y) -> Math.min(x & 0xFF, y & 0xFF);
    IntBinaryOperator unsignedByteMax = (x, y) -> Math.max(x & 0xFF, y & 0xFF);
    both(t, "0F DA", "PMINUB", (a, b) -> bytes(a, b, unsignedByteMin));
    both(t, "0F DE", "PMAXUB", (a, b) -> bytes(a, b, unsignedByteMax));
    both(t, "0F EA", "PMINSW", (a, b) -> words(a, b, Math::min));
    both(t, "0F EE", "PMAXSW", (a, b) -> words(a, b, Math::max));
    sse(t, "0F38 38", "PMINSB", (a, b) -> bytes(a, b, Math::min));
    sse(t, "0F38 39", "PMINSD", (a, b) -> ints(a, b, Math::min));
    sse(t, "0F38 3A", "PMINUW", (a, b) -> words(a, b, (x, y) -> Math.min(x & 0xFFFF, y & 0xFFFF)));
    sse(
        t,
        "0F38 3B",
        "PMINUD",
        (a, b) -> ints(a, b, (x, y) -> Integer.compareUnsigned(x, y) < 0 ? x : y));
    sse(t, "0F38 3C", "PMAXSB", (a, b) -> bytes(a, b, Math::max));
    sse(t, "0F38 3D", "PMAXSD", (a, b) -> ints(a, b, Math::max));
    sse(t, "0F38 3E", "PMAXUW", (a, b) -> words(a, b, (x, y) -> Math.max(x & 0xFFFF, y & 0xFFFF)));
    sse(
        t,
        "0F38 3F",
        "PMAXUD",
        (a, b) -> ints(a, b, (x, y) -> Integer.compareUnsigned(x, y) > 0 ? x : y));
    t.define("66 0F38 17", "PTEST Vx,Wx", PackedIntegers::ptest);
    t.define("66 0F38 41", "PHMINPOSUW Vx,Wx", PackedIntegers::phminposuw);
    t.define("66 0F3A 42", "MPSADBW Vx,Wx,Ib", PackedIntegers::mpsadbw);
  }

  private static void products(OpcodeTable t) {
    both(t, "0F D5", "PMULLW", (a, b) -> words(a, b, (x, y) -> x * y));
    both(t, "0F E5", "PMULHW", (a, b) -> words(a, b, (x, y) -> (x * y) >> 16));
    both(
        t,
        "0F E4",
        "PMULHUW",
        (a, b) -> words(a, b, (x, y) -> ((x & 0xFFFF) * (y & 0xFFFF)) >>> 16));
    both(t, "0F F4", "PMULUDQ", PackedIntegers::pmuludq);
    both(t, "0F F5", "PMADDWD", PackedIntegers::pmaddwd);
    both(t, "0F38 04", "PMADDUBSW", PackedIntegers::pmaddubsw);
    both(t, "0F38 0B", "PMULHRSW", (a, b) -> words(a, b, (x, y) -> (((x * y) >> 14) + 1) >> 1));
    sse(t, "0F38 28", "PMULDQ", PackedIntegers::pmuldq);
    sse(t, "0F38 40", "PMULLD", (a, b) -> ints(a, b, (x, y) -> x * y));
  }

  private static void bitwise(OpcodeTable t) {
    both(t, "0F DB", "PAND", (a, b) -> a & b);
    both(t, "0F DF", "PANDN", (a, b) -> ~a & b);
    both(t, "0F EB", "POR", (a, b) -> a | b);
    both(t, "0F EF", "PXOR", (a, b) -> a ^ b);
    floatBitwise(t, "0F 54", "AND", (a, b) -> a & b);
    floatBitwise(t, "0F 55", "ANDN", (a, b) -> ~a & b);
    floatBitwise(t, "0F 56", "OR", (a, b) -> a | b);
    floatBitwise(t, "0F 57", "XOR", (a, b) -> a ^ b);
  }

  private static void floatBitwise(OpcodeTable t, String opcode, String name, Lanes.Binary op) {
    t.define("NP " + opcode, name + "PS Vx,Wx", Vectors.packed(op));
    t.define("66 " + opcode, name + "PD Vx,Wx", Vectors.packed(op));
  }

  private static void shifts(OpcodeTable t) {
    shift(t, "0F D1", "0F 71 /2", "PSRLW", 16, Shift.RIGHT);
    shift(t, "0F D2", "0F 72 /2", "PSRLD", 32, Shift.RIGHT);
    shift(t, "0F D3", "0F 73 /2", "PSRLQ", 64, Shift.RIGHT);
    shift(t, "0F E1", "0F 71 /4", "PSRAW", 16, Shift.RIGHT_SIGNED);
    shift(t, "0F E2", "0F 72 /4", "PSRAD", 32, Shift.RIGHT_SIGNED);
    shift(t, "0F F1", "0F 71 /6", "PSLLW", 16, Shift.LEFT);
    shift(t, "0F F2", "0F 72 /6", "PSLLD", 32, Shift.LEFT);
    shift(t, "0F F3", "0F 73 /6", "PSLLQ", 64, Shift.LEFT);
    t.define("66 0F 73 /3 reg", "PSRLDQ Ux,Ib", Shuffles::psrldq);
    t.define("66 0F 73 /7 reg", "PSLLDQ Ux,Ib", Shuffles::pslldq);
  }

  private static void shift(
      OpcodeTable t, String opcode, String group, String name, int laneBits, Shift kind) {
    t.define(
        "NP " + opcode,
        name + " Pq,Qq",
        Vectors.mmx((a, b) -> PackedIntegers.shift(a, b, laneBits, kind)));
    t.define("66 " + opcode, name + " Vx,Wx", PackedIntegers.shiftByRegister(laneBits, kind));
    t.define(
        "NP " + group + " reg",
        name + " Nq,Ib",
        PackedIntegers.shiftMmxByImmediate(laneBits, kind));
    t.define(
        "66 " + group + " reg", name + " Ux,Ib", PackedIntegers.shiftByImmediate(laneBits, kind));
  }

  private static void packing(OpcodeTable t) {
    unpack(t, "0F 60", "0F 68", "BW", 8);
    unpack(t, "0F 61", "0F 69", "WD", 16);
    unpack(t, "0F 62", "0F 6A", "DQ", 32);
    t.define("66 0F 6C", "PUNPCKLQDQ Vx,Wx", Shuffles::punpcklqdq);
    t.define("66 0F 6D", "PUNPCKHQDQ Vx,Wx", Shuffles::punpckhqdq);
    t.define("NP 0F 14", "UNPCKLPS Vx,Wx", Shuffles.unpackLow(32));
    t.define("NP 0F 15", "UNPCKHPS Vx,Wx", Shuffles.unpackHigh(32));
    t.define("66 0F 14", "UNPCKLPD Vx,Wx", Shuffles::punpcklqdq);
    t.define("66 0F 15", "UNPCKHPD Vx,Wx", Shuffles::punpckhqdq);
    pack(t, "0F 63", "PACKSSWB", Shuffles::packsswb);
    pack(t, "0F 67", "PACKUSWB", Shuffles::packuswb);
    pack(t, "0F 6B", "PACKSSDW", Shuffles::packssdw);
    t.define("66 0F38 2B", "PACKUSDW Vx,Wx", Shuffles.pack(Shuffles::packusdw));
    t.define("NP 0F 70", "PSHUFW Pq,Qq,Ib", Shuffles::pshufw);
    t.define("66 0F 70", "PSHUFD Vx,Wx,Ib", Shuffles::pshufd);
    t.define("F3 0F 70", "PSHUFHW Vx,Wx,Ib", Shuffles::pshufhw);
    t.define("F2 0F 70", "PSHUFLW Vx,Wx,Ib", Shuffles::pshuflw);
    t.define("NP 0F C6", "SHUFPS Vx,Wx,Ib", Shuffles::shufps);
    t.define("66 0F C6", "SHUFPD Vx,Wx,Ib", Shuffles::shufpd);
    t.define("NP 0F38 00", "PSHUFB Pq,Qq", Vectors.mmx(Shuffles::pshufbMmx));
    t.define("66 0F38 00", "PSHUFB Vx,Wx", Shuffles::pshufb);
    t.define("NP 0F3A 0F", "PALIGNR Pq,Qq,Ib", Shuffles::palignrMmx);
    t.define("66 0F3A 0F", "PALIGNR Vx,Wx,Ib", Shuffles::palignr);
    t.define("66 0F3A 0C", "BLENDPS Vx,Wx,Ib", Shuffles.blendImmediate(32));
    t.define("66 0F3A 0D", "BLENDPD Vx,Wx,Ib", Shuffles.blendImmediate(64));
    t.define("66 0F3A 0E", "PBLENDW Vx,Wx,Ib", Shuffles.blendImmediate(16));
    t.define("66 0F38 10", "PBLENDVB Vx,Wx", Shuffles.blendVariable(8));
    t.define("66 0F38 14", "BLENDVPS Vx,Wx", Shuffles.blendVariable(32));
    t.define("66 0F38 15", "BLENDVPD Vx,Wx", Shuffles.blendVariable(64));
  }

  private static void unpack(OpcodeTable t, String low, String high, String name, int laneBits) {
    t.define("NP " + low, "PUNPCKL" + name + " Pq,Qq", Shuffles.unpackLowMmx(laneBits));
    t.define("66 " + low, "PUNPCKL" + name + " Vx,Wx", Shuffles.unpackLow(laneBits));
    t.define("NP " + high, "PUNPCKH" + name + " Pq,Qq", Shuffles.unpackHighMmx(laneBits));
    t.define("66 " + high, "PUNPCKH" + name + " Vx,Wx", Shuffles.unpackHigh(laneBits));
  }

  private static void pack(OpcodeTable t, String opcode, String name, Shuffles.Packer packer) {
    t.define("NP " + opcode, name + " Pq,Qq", Shuffles.packMmx(packer));
    t.define("66 " + opcode, name + " Vx,Wx", Shuffles.pack(packer));
  }

  /** SSSE3 and SSE4.1 arithmetic. */
  private static void supplemental(OpcodeTable t) {
    horizontal(t, "0F38 01", "PHADDW", v -> PackedIntegers.horizontalWords(v, Integer::sum));
    horizontal(t, "0F38 02", "PHADDD", v -> PackedIntegers.horizontalInts(v, Integer::sum));
    horizontal(
        t,
        "0F38 03",
        "PHADDSW",
        v -> PackedIntegers.horizontalWords(v, (x, y) -> Lanes.clampShort(x + y)));
    horizontal(t, "0F38 05", "PHSUBW", v -> PackedIntegers.horizontalWords(v, (x, y) -> x - y));
    horizontal(t, "0F38 06", "PHSUBD", v -> PackedIntegers.horizontalInts(v, (x, y) -> x - y));
    horizontal(
        t,
        "0F38 07",
        "PHSUBSW",
        v -> PackedIntegers.horizontalWords(v, (x, y) -> Lanes.clampShort(x - y)));
    IntBinaryOperator sign = (x, y) -> x * Integer.signum(y);
    both(t, "0F38 08", "PSIGNB", (a, b) -> bytes(a, b, sign));
    both(t, "0F38 09", "PSIGNW", (a, b) -> words(a, b, sign));
    both(t, "0F38 0A", "PSIGND", (a, b) -> ints(a, b, sign));
    both(t, "0F38 1C", "PABSB", (a, b) -> bytes(b, 0, (x, y) -> Math.abs(x)));
    both(t, "0F38 1D", "PABSW", (a, b) -> words(b, 0, (x, y) -> Math.abs(x)));
    both(t, "0F38 1E", "PABSD", (a, b) -> ints(b, 0, (x, y) -> Math.abs(x)));
  }

  private static void horizontal(OpcodeTable t, String opcode, String name, Shuffles.Packer half) {
    t.define("NP " + opcode, name + " Pq,Qq", Shuffles.packMmx(half));
    t.define("66 " + opcode, name + " Vx,Wx", Shuffles.pack(half));
  }

  private static void wide(OpcodeTable t) {
    extend(t, 0, 8, 16, "BW");
    extend(t, 1, 8, 32, "BD");
    extend(t, 2, 8, 64, "BQ");
    extend(t, 3, 16, 32, "WD");
    extend(t, 4, 16, 64, "WQ");
    extend(t, 5, 32, 64, "DQ");
  }

  private static void extend(OpcodeTable t, int number, int from, int to, String name) {
    t.define(
        "66 0F38 2" + number, "PMOVSX" + name + " Vx,Wq", PackedIntegers.extend(from, to, true));
    t.define(
        "66 0F38 3" + number, "PMOVZX" + name + " Vx,Wq", PackedIntegers.extend(from, to, false));
  }

  private static void moves(OpcodeTable t) {
    t.define("NP 0F 6E", "MOVD Pq,Ey", VectorMoves::mmxFromGeneral);
    t.define("66 0F 6E", "MOVD Vx,Ey", VectorMoves::fromGeneral);
    t.define("NP 0F 7E", "MOVD Ey,Pq", VectorMoves::mmxToGeneral);
    t.define("66 0F 7E", "MOVD Ey,Vx", VectorMoves::toGeneral);
    t.define("F3 0F 7E", "MOVQ Vx,Wq", VectorMoves::movq);
    t.define("66 0F D6", "MOVQ Wq,Vx", VectorMoves::movq);
    t.define("NP 0F 6F", "MOVQ Pq,Qq", VectorMoves::mmxMove);
    t.define("NP 0F 7F", "MOVQ Qq,Pq", VectorMoves::mmxMove);
    t.define("NP 0F E7 mem", "MOVNTQ Mq,Pq", VectorMoves::mmxMove);
    t.define("F3 0F D6", "MOVQ2DQ Vx,Nq", VectorMoves::movq2dq);
    t.define("F2 0F D6", "MOVDQ2Q Pq,Ux", VectorMoves::movdq2q);
    t.define("66 0F 6F", "MOVDQA Vx,Wx", VectorMoves::aligned);
    t.define("66 0F 7F", "MOVDQA Wx,Vx", VectorMoves::aligned);
    t.define("F3 0F 6F", "MOVDQU Vx,Wx", VectorMoves::unaligned);
    t.define("F3 0F 7F", "MOVDQU Wx,Vx", VectorMoves::unaligned);
    t.define("66 0F E7 mem", "MOVNTDQ Mx,Vx", VectorMoves::aligned);
    t.define("66 0F38 2A mem", "MOVNTDQA Vx,Mx", VectorMoves::aligned);
    t.define("F2 0F F0 mem", "LDDQU Vx,Mx", VectorMoves::unaligned);
    t.define("NP 0F D7", "PMOVMSKB Gd,Nq", VectorMoves::pmovmskbMmx);
    t.define("66 0F D7", "PMOVMSKB Gd,Ux", VectorMoves::pmovmskb);
    t.define("NP 0F F7", "MASKMOVQ Pq,Nq", VectorMoves::maskmovq);
    t.define("66 0F F7", "MASKMOVDQU Vx,Ux", VectorMoves::maskmovdqu);
    t.define("NP 0F 77 mmx", "EMMS", VectorMoves::emms);
    t.define("NP 0F C4", "PINSRW Pq,Ew,Ib", VectorMoves::pinsrwMmx);
    t.define("66 0F C4", "PINSRW Vx,Ew,Ib", VectorMoves::pinsrw);
    t.define("NP 0F C5", "PEXTRW Gd,Nq,Ib", VectorMoves::pextrwMmx);
    t.define("66 0F C5", "PEXTRW Gd,Ux,Ib", VectorMoves::pextrw);
    t.define("66 0F3A 14 mem", "PEXTRB Mb,Vx,Ib", VectorMoves::pextrb);
    t.define("66 0F3A 14 reg", "PEXTRB Rd,Vx,Ib", VectorMoves::pextrb);
    t.define("66 0F3A 15 mem", "PEXTRW Mw,Vx,Ib", VectorMoves::pextrw);
    t.define("66 0F3A 15 reg", "PEXTRW Rd,Vx,Ib", VectorMoves::pextrw);
    t.define("66 0F3A 16", "PEXTRD Ey,Vx,Ib", VectorMoves::pextrd);
    t.define("66 0F3A 17", "EXTRACTPS Ed,Vx,Ib", VectorMoves::pextrd);
    t.define("66 0F3A 20 mem", "PINSRB Vx,Mb,Ib", VectorMoves::pinsrb);
    t.define("66 0F3A 20 reg", "PINSRB Vx,Rd,Ib", VectorMoves::pinsrb);
    t.define("66 0F3A 21", "INSERTPS Vx,Wd,Ib", VectorMoves::insertps);
    t.define("66 0F3A 22", "PINSRD Vx,Ey,Ib", VectorMoves::pinsrd);
  }

  private static void textAndCryptography(OpcodeTable t) {
    t.define("66 0F3A 60", "PCMPESTRM Vx,Wx,Ib", TextStrings::pcmpestrm);
    t.define("66 0F3A 61", "PCMPESTRI Vx,Wx,Ib", TextStrings::pcmpestri);
    t.define("66 0F3A 62", "PCMPISTRM Vx,Wx,Ib", TextStrings::pcmpistrm);
    t.define("66 0F3A 63", "PCMPISTRI Vx,Wx,Ib", TextStrings::pcmpistri);
    t.define("66 0F38 DB", "AESIMC Vx,Wx", Aes::aesimc);
    t.define("66 0F38 DC", "AESENC Vx,Wx", Aes::aesenc);
    t.define("66 0F38 DD", "AESENCLAST Vx,Wx", Aes::aesenclast);
    t.define("66 0F38 DE", "AESDEC Vx,Wx", Aes::aesdec);
    t.define("66 0F38 DF", "AESDECLAST Vx,Wx", Aes::aesdeclast);
    t.define("66 0F3A DF", "AESKEYGENASSIST Vx,Wx,Ib", Aes::aeskeygenassist);
    t.define("NP 0F38 C8", "SHA1NEXTE Vx,Wx", Sha::sha1nexte);
    t.define("NP 0F38 C9", "SHA1MSG1 Vx,Wx", Sha::sha1msg1);
    t.define("NP 0F38 CA", "SHA1MSG2 Vx,Wx", Sha::sha1msg2);
    t.define("NP 0F38 CB", "SHA256RNDS2 Vx,Wx", Sha::sha256rnds2);
    t.define("NP 0F38 CC", "SHA256MSG1 Vx,Wx", Sha::sha256msg1);
    t.define("NP 0F38 CD", "SHA256MSG2 Vx,Wx", Sha::sha256msg2);
    t.define("NP 0F3A CC", "SHA1RNDS4 Vx,Wx,Ib", Sha::sha1rnds4);
    t.define("66 0F3A 44", "PCLMULQDQ Vx,Wx,Ib", Aes::pclmulqdq);
  }
}
