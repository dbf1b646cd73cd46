// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.translate;

import static dev.tealight.softcpu.internal.translate.Emitter.A;
import static dev.tealight.softcpu.internal.translate.Emitter.ADDRESS;
import static dev.tealight.softcpu.internal.translate.Emitter.B;
import static dev.tealight.softcpu.internal.translate.Emitter.C;
import static dev.tealight.softcpu.internal.translate.Emitter.CD_FLOATS;
import static dev.tealight.softcpu.internal.translate.Emitter.FLOATS;
import static dev.tealight.softcpu.internal.translate.Emitter.XMM;
import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.op.Lanes;
import dev.tealight.softcpu.internal.op.PackedIntegers;
import dev.tealight.softcpu.internal.op.SseArithmetic;
import dev.tealight.softcpu.internal.op.Vectors;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.Map;

/**
 * SSE instructions. The XMM registers stay where the interpreter has them; the operations on lanes
 * are the interpreter's own, as constants that the JIT sees through.
 */
final class VectorTemplates {
  private static final ClassDesc CD_BINARY = Lanes.Binary.class.describeConstable().orElseThrow();
  private static final ClassDesc CD_LANE =
      SseArithmetic.Lane.class.describeConstable().orElseThrow();

  private VectorTemplates() {}

  static void addTo(Map<String, Template> templates) {
    for (String name :
        new String[] {"MOVAPS", "MOVAPD", "MOVDQA", "MOVNTDQ", "MOVNTPS", "MOVNTPD", "MOVNTDQA"}) {
      templates.put(name, (e, i) -> move16(e, i, true));
    }
    for (String name : new String[] {"MOVUPS", "MOVUPD", "MOVDQU", "LDDQU"}) {
      templates.put(name, (e, i) -> move16(e, i, false));
    }
    templates.put("MOVSD", VectorTemplates::movsd);
    templates.put("MOVSS", VectorTemplates::movss);
    templates.put("MOVQ", VectorTemplates::movq);
    templates.put("MOVD", VectorTemplates::movd);
    templates.put("MOVLPS", (e, i) -> half(e, i, 0));
    templates.put("MOVLPD", (e, i) -> half(e, i, 0));
    templates.put("MOVHPS", (e, i) -> half(e, i, 1));
    templates.put("MOVHPD", (e, i) -> half(e, i, 1));
    templates.put("MOVHLPS", (e, i) -> copyHalf(e, 2 * i.src() + 1, 2 * i.dst()));
    templates.put("MOVLHPS", (e, i) -> copyHalf(e, 2 * i.src(), 2 * i.dst() + 1));
    templates.put("PUNPCKLQDQ", VectorTemplates::unpackLow);
    templates.put("UNPCKLPD", VectorTemplates::unpackLow);
    templates.put("PUNPCKHQDQ", VectorTemplates::unpackHigh);
    templates.put("UNPCKHPD", VectorTemplates::unpackHigh);
    templates.put("MOVDDUP", VectorTemplates::movddup);
    templates.put("PSHUFD", VectorTemplates::pshufd);
    templates.put("UCOMISD", (e, i) -> compare(e, i, false));
    templates.put("COMISD", (e, i) -> compare(e, i, true));
    templates.put("CVTSI2SD", VectorTemplates::fromInteger);
    templates.put("CVTTSD2SI", (e, i) -> toInteger(e, i, true));
    templates.put("CVTSD2SI", (e, i) -> toInteger(e, i, false));
  }

  /** Emits an instruction whose operation says itself what it does with lanes. */
  static boolean emitLanes(Emitter e, Insn i) {
    return switch (i.operation()) {
      case Vectors.Packed packed -> packed(e, i, packed);
      case PackedIntegers.ShiftByImmediate shift -> shift(e, i, shift);
      case SseArithmetic.ScalarDouble scalar -> scalarDouble(e, i, scalar);
      case SseArithmetic.ScalarSingle scalar -> scalarSingle(e, i, scalar);
      case SseArithmetic.PackedDouble doubles -> packedDouble(e, i, doubles);
      default -> false;
    };
  }

  // Halves of registers, numbered as in Sse.xmm

  private static void get(Emitter e, int number) {
    e.code.aload(XMM).loadConstant(number).laload();
  }

  private static void set(Emitter e, int number, int local) {
    e.code.aload(XMM).loadConstant(number).lload(local).lastore();
  }

  /** Takes both halves of the second operand into {@link Emitter#A} and {@link Emitter#B}. */
  private static void source16(Emitter e, Insn i, boolean aligned) {
    if (i.src() >= 0) {
      get(e, 2 * i.src());
      e.code.lstore(A);
      get(e, 2 * i.src() + 1);
      e.code.lstore(B);
      return;
    }
    address16(e, i, aligned);
    e.code.lload(ADDRESS);
    e.loadAddressed(8);
    e.code.lstore(A);
    e.code.lload(ADDRESS);
    e.number(8);
    e.code.ladd();
    e.loadAddressed(8);
    e.code.lstore(B);
  }

  private static void address16(Emitter e, Insn i, boolean aligned) {
    e.address(i);
    if (aligned) {
      e.math("aligned", CD_long, CD_long);
    }
    e.code.lstore(ADDRESS);
  }

  /** Pushes the low 8 bytes of the second operand. */
  private static void source8(Emitter e, Insn i) {
    if (i.src() >= 0) {
      get(e, 2 * i.src());
    } else {
      e.load(i, 8);
    }
  }

  private static void source4(Emitter e, Insn i) {
    if (i.src() >= 0) {
      get(e, 2 * i.src());
      e.extend(4);
    } else {
      e.load(i, 4);
    }
  }

  // Moves

  private static boolean move16(Emitter e, Insn i, boolean aligned) {
    if (i.dst() == Insn.MEMORY) {
      address16(e, i, aligned);
      e.code.lload(ADDRESS);
      get(e, 2 * i.src());
      get(e, 2 * i.src() + 1);
      e.store16();
      return true;
    }
    source16(e, i, aligned);
    set(e, 2 * i.dst(), A);
    set(e, 2 * i.dst() + 1, B);
    return true;
  }

  private static void storeLow(Emitter e, Insn i, int size) {
    e.address(i);
    get(e, 2 * i.src());
    e.storeAddressed(size);
  }

  private static void setHighToZero(Emitter e, int register) {
    e.code.aload(XMM).loadConstant(2 * register + 1).lconst_0().lastore();
  }

  private static boolean movsd(Emitter e, Insn i) {
    if (i.dst() == Insn.MEMORY) {
      storeLow(e, i, 8);
      return true;
    }
    source8(e, i);
    e.code.lstore(A);
    set(e, 2 * i.dst(), A);
    if (i.src() == Insn.MEMORY) {
      setHighToZero(e, i.dst());
    }
    return true;
  }

  private static boolean movss(Emitter e, Insn i) {
    if (i.dst() == Insn.MEMORY) {
      storeLow(e, i, 4);
      return true;
    }
    source4(e, i);
    if (i.src() == Insn.MEMORY) {
      e.zeroExtend(4);
      e.code.lstore(A);
      set(e, 2 * i.dst(), A);
      setHighToZero(e, i.dst());
    } else {
      setLow32(e, i);
    }
    return true;
  }

  /** Takes the value on the stack into the lowest 4 bytes of the first operand. */
  private static void setLow32(Emitter e, Insn i) {
    get(e, 2 * i.dst());
    e.math("insertLow32", CD_long, CD_long, CD_long);
    e.code.lstore(A);
    set(e, 2 * i.dst(), A);
  }

  private static boolean movq(Emitter e, Insn i) {
    return switch (i.name()) {
      case "MOVQ Wq,Vx" -> {
        if (i.dst() == Insn.MEMORY) {
          storeLow(e, i, 8);
        } else {
          copyHalf(e, 2 * i.src(), 2 * i.dst());
          setHighToZero(e, i.dst());
        }
        yield true;
      }
      case "MOVQ Vx,Wq" -> {
        source8(e, i);
        e.code.lstore(A);
        set(e, 2 * i.dst(), A);
        setHighToZero(e, i.dst());
        yield true;
      }
      default -> false;
    };
  }

  private static boolean movd(Emitter e, Insn i) {
    return switch (i.name()) {
      case "MOVD Vx,Ey" -> {
        e.readSource(i);
        e.zeroExtend(i.sourceSize());
        e.code.lstore(A);
        set(e, 2 * i.dst(), A);
        setHighToZero(e, i.dst());
        yield true;
      }
      case "MOVD Ey,Vx" -> {
        if (i.dst() == Insn.MEMORY) {
          storeLow(e, i, i.size());
        } else {
          get(e, 2 * i.src());
          e.write(i.dst(), i.size());
        }
        yield true;
      }
      default -> false;
    };
  }

  private static boolean half(Emitter e, Insn i, int number) {
    if (i.dst() == Insn.MEMORY) {
      e.address(i);
      get(e, 2 * i.src() + number);
      e.storeAddressed(8);
    } else {
      e.load(i, 8);
      e.code.lstore(A);
      set(e, 2 * i.dst() + number, A);
    }
    return true;
  }

  private static boolean copyHalf(Emitter e, int from, int to) {
    get(e, from);
    e.code.lstore(A);
    set(e, to, A);
    return true;
  }

  private static boolean unpackLow(Emitter e, Insn i) {
    source16(e, i, true);
    set(e, 2 * i.dst() + 1, A);
    return true;
  }

  private static boolean unpackHigh(Emitter e, Insn i) {
    source16(e, i, true);
    copyHalf(e, 2 * i.dst() + 1, 2 * i.dst());
    set(e, 2 * i.dst() + 1, B);
    return true;
  }

  private static boolean movddup(Emitter e, Insn i) {
    source8(e, i);
    e.code.lstore(A);
    set(e, 2 * i.dst(), A);
    set(e, 2 * i.dst() + 1, A);
    return true;
  }

  private static boolean pshufd(Emitter e, Insn i) {
    int order = (int) i.immediate();
    source16(e, i, true);
    for (int target = 0; target < 2; target++) {
      for (int lane = 2 * target; lane < 2 * target + 2; lane++) {
        e.code.lload(A).lload(B).loadConstant(order >>> (2 * lane) & 3);
        e.math("select32", CD_long, CD_long, CD_long, CD_int);
      }
      e.math("pair", CD_long, CD_long, CD_long);
      e.code.lstore(target == 0 ? C : ADDRESS);
    }
    set(e, 2 * i.dst(), C);
    set(e, 2 * i.dst() + 1, ADDRESS);
    return true;
  }

  // Lanes

  private static boolean packed(Emitter e, Insn i, Vectors.Packed packed) {
    MethodTypeDesc type = MethodTypeDesc.of(CD_long, CD_long, CD_long);
    boolean zero = i.dst() == i.src() && i.mnemonic().contains("XOR");
    if (zero) {
      e.code.lconst_0().lstore(A);
      set(e, 2 * i.dst(), A);
      set(e, 2 * i.dst() + 1, A);
      return true;
    }
    source16(e, i, true);
    for (int half = 0; half < 2; half++) {
      e.constant(packed.operation(), CD_BINARY);
      get(e, 2 * i.dst() + half);
      e.code.lload(half == 0 ? A : B).invokeinterface(CD_BINARY, "apply", type);
      e.code.lstore(C);
      set(e, 2 * i.dst() + half, C);
    }
    return true;
  }

  private static boolean shift(Emitter e, Insn i, PackedIntegers.ShiftByImmediate shift) {
    int count = (int) i.immediate() & 0xFF;
    if (shift.kind() == PackedIntegers.Shift.RIGHT_SIGNED || count >= shift.laneBits()) {
      return false;
    }
    for (int half = 2 * i.dst(); half < 2 * i.dst() + 2; half++) {
      get(e, half);
      e.code.loadConstant(count);
      if (shift.kind() == PackedIntegers.Shift.LEFT) {
        e.code.lshl();
      } else {
        e.code.lushr();
      }
      e.number(PackedIntegers.keptBits(count, shift.laneBits(), shift.kind()));
      e.code.land().lstore(C);
      set(e, half, C);
    }
    return true;
  }

  private static void floats(Emitter e) {
    e.code.aload(FLOATS);
  }

  /** Pushes the result of one lane; its second operand is in the local variable. */
  private static void lane(Emitter e, SseArithmetic.Lane lane, int half, int right) {
    e.constant(lane, CD_LANE);
    floats(e);
    get(e, half);
    e.code.lload(right);
    e.code.invokeinterface(
        CD_LANE, "apply", MethodTypeDesc.of(CD_long, CD_FLOATS, CD_long, CD_long));
  }

  private static void commit(Emitter e) {
    floats(e);
    e.code.invokevirtual(CD_FLOATS, "commit", MethodTypeDesc.of(CD_void));
  }

  private static boolean scalarDouble(Emitter e, Insn i, SseArithmetic.ScalarDouble scalar) {
    source8(e, i);
    e.code.lstore(A);
    lane(e, scalar.lane(), 2 * i.dst(), A);
    e.code.lstore(C);
    commit(e);
    set(e, 2 * i.dst(), C);
    return true;
  }

  private static boolean scalarSingle(Emitter e, Insn i, SseArithmetic.ScalarSingle scalar) {
    source4(e, i);
    e.code.lstore(A);
    lane(e, scalar.lane(), 2 * i.dst(), A);
    e.code.lstore(C);
    commit(e);
    e.code.lload(C);
    setLow32(e, i);
    return true;
  }

  private static boolean packedDouble(Emitter e, Insn i, SseArithmetic.PackedDouble doubles) {
    source16(e, i, true);
    lane(e, doubles.lane(), 2 * i.dst(), A);
    e.code.lstore(C);
    lane(e, doubles.lane(), 2 * i.dst() + 1, B);
    e.code.lstore(ADDRESS);
    commit(e);
    set(e, 2 * i.dst(), C);
    set(e, 2 * i.dst() + 1, ADDRESS);
    return true;
  }

  private static boolean compare(Emitter e, Insn i, boolean signalsQuiet) {
    source8(e, i);
    e.code.lstore(A);
    floats(e);
    get(e, 2 * i.dst());
    e.code.lload(A).loadConstant(signalsQuiet ? 1 : 0);
    e.code.invokevirtual(
        CD_FLOATS, "compareDoubles", MethodTypeDesc.of(CD_int, CD_long, CD_long, CD_boolean));
    e.code.i2l();
    e.recordExplicit();
    return true;
  }

  private static boolean fromInteger(Emitter e, Insn i) {
    floats(e);
    e.readSource(i);
    e.code.invokevirtual(CD_FLOATS, "integerToDouble", MethodTypeDesc.of(CD_long, CD_long));
    e.code.lstore(A);
    set(e, 2 * i.dst(), A);
    return true;
  }

  private static boolean toInteger(Emitter e, Insn i, boolean truncate) {
    floats(e);
    source8(e, i);
    e.code.loadConstant(i.size() * 8).loadConstant(truncate ? 1 : 0);
    e.code.invokevirtual(
        CD_FLOATS, "doubleToInteger", MethodTypeDesc.of(CD_long, CD_long, CD_int, CD_boolean));
    e.write(i.dst(), i.size());
    return true;
  }
}
