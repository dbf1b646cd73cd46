// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.translate;

import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Flags;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.Segments;
import dev.tealight.softcpu.internal.cpu.Sse;
import dev.tealight.softcpu.internal.cpu.SseFloats;
import dev.tealight.softcpu.internal.memory.CachedAccess;
import dev.tealight.softcpu.internal.memory.LinearMemory;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.Opcode;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.DynamicConstantDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Emits what instructions are made of: accesses of registers, memory and flags.
 *
 * <p>Values are longs on the operand stack, sign-extended from their size as the interpreter has
 * them.
 */
final class Emitter {
  // Local variables of the generated method
  static final int THIS = 0;
  static final int CPU = 1;
  private static final int GPR = 2;
  static final int KIND = 34;
  static final int LEFT = 35;
  static final int RIGHT = 37;
  static final int RESULT = 39;

  /** Instructions executed before the method was entered. */
  static final int BEFORE = 41;

  /** Instructions of the blocks that were begun since. */
  static final int COUNT = 43;

  /** Number of the instruction that is under way. */
  static final int AT = 44;

  static final int RIP = 45;
  static final int ADDRESS = 47;
  static final int A = 49;
  static final int B = 51;
  static final int C = 53;
  static final int THROWN = 55;

  // What the method needs of its processor
  private static final int RAM = 56;
  private static final int SLOTS = 57;
  static final int XMM = 58;
  static final int FLOATS = 59;

  /** In {@link #known}: a result with CF, OF and AF clear. */
  static final int LOGIC = 4;

  static final ClassDesc CD_CPU = Cpu.class.describeConstable().orElseThrow();
  static final ClassDesc CD_INSN = Insn.class.describeConstable().orElseThrow();
  private static final ClassDesc CD_FLAGS = Flags.class.describeConstable().orElseThrow();
  private static final ClassDesc CD_SEGMENTS = Segments.class.describeConstable().orElseThrow();
  private static final ClassDesc CD_MEMORY = LinearMemory.class.describeConstable().orElseThrow();
  private static final ClassDesc CD_ACCESS = CachedAccess.class.describeConstable().orElseThrow();
  private static final ClassDesc CD_SEGMENT = MemorySegment.class.describeConstable().orElseThrow();
  static final ClassDesc CD_FLOATS = SseFloats.class.describeConstable().orElseThrow();
  private static final ClassDesc CD_SSE = Sse.class.describeConstable().orElseThrow();
  static final ClassDesc CD_MATH = Arithmetic64.class.describeConstable().orElseThrow();
  private static final ClassDesc CD_LONGS = CD_long.arrayType();
  static final ClassDesc CD_LONG = Long.class.describeConstable().orElseThrow();

  final CodeBuilder code;
  private final List<Object> constants;
  private final int usedRegisters;

  /** Registers that were read or written, and written, so far: bits by number. */
  int used;

  int written;

  /** The kind of the recorded flags as far as that is certain here, {@link #LOGIC}, or -1. */
  int known = -1;

  /** Whether anybody may look at the flags that the current instruction sets. */
  boolean flagsMatter = true;

  Emitter(CodeBuilder code, List<Object> constants, int usedRegisters) {
    this.code = code;
    this.constants = constants;
    this.usedRegisters = usedRegisters;
  }

  // Constants

  void constant(Object value, ClassDesc type) {
    int index = constants.indexOf(value);
    if (index < 0) {
      index = constants.size();
      constants.add(value);
    }
    code.ldc(
        DynamicConstantDesc.ofNamed(
            ConstantDescs.BSM_CLASS_DATA_AT, ConstantDescs.DEFAULT_NAME, type, index));
  }

  void number(long value) {
    code.loadConstant(value);
  }

  // Calls

  void math(String method, ClassDesc result, ClassDesc... parameters) {
    code.invokestatic(CD_MATH, method, MethodTypeDesc.of(result, parameters));
  }

  void javaLong(String method, MethodTypeDesc type) {
    code.invokestatic(CD_LONG, method, type);
  }

  // Registers

  static int local(int register) {
    return GPR + 2 * register;
  }

  private void use(int register) {
    used |= 1 << register;
  }

  /** Pushes all 64 bits of a register. */
  void whole(int register) {
    use(register);
    code.lload(local(register));
  }

  /** Sets all 64 bits of a register. */
  void setWhole(int register) {
    use(register);
    written |= 1 << register;
    code.lstore(local(register));
  }

  void read(int register, int size) {
    if (register >= Cpu.AH) {
      whole(register - Cpu.AH);
      code.bipush(8).lshr();
      extend(1);
      return;
    }
    whole(register);
    extend(size);
  }

  /** Sign-extends the value on the stack. */
  void extend(int size) {
    switch (size) {
      case 1 -> code.l2i().i2b().i2l();
      case 2 -> code.l2i().i2s().i2l();
      case 4 -> code.l2i().i2l();
      default -> {}
    }
  }

  /** Zero-extends the value on the stack. */
  void zeroExtend(int size) {
    if (size < 8) {
      number(-1L >>> (64 - 8 * size));
      code.land();
    }
  }

  /** Takes the value on the stack into a register. */
  void write(int register, int size) {
    switch (size) {
      case 8 -> setWhole(register);
      case 4 -> {
        zeroExtend(4);
        setWhole(register);
      }
      case 2 -> insert("insertWord", register);
      default -> {
        if (register >= Cpu.AH) {
          insert("insertHighByte", register - Cpu.AH);
        } else {
          insert("insertByte", register);
        }
      }
    }
  }

  private void insert(String method, int register) {
    whole(register);
    math(method, CD_long, CD_long, CD_long);
    setWhole(register);
  }

  // Memory

  /** Accesses memory; the address, and what is to be stored, are on the stack. */
  private void access(String method, ClassDesc result, int longs) {
    List<ClassDesc> parameters = new ArrayList<>(Collections.nCopies(longs, CD_long));
    parameters.add(CD_SEGMENT);
    parameters.add(CD_LONGS);
    code.aload(RAM).aload(SLOTS);
    code.invokestatic(CD_ACCESS, method, MethodTypeDesc.of(result, parameters));
  }

  /** Pushes the offset of the memory operand in its segment. */
  void offset(Insn insn) {
    boolean any = false;
    if (insn.base() != Cpu.ZERO) {
      whole(insn.base());
      any = true;
    }
    if (insn.index() != Cpu.ZERO) {
      whole(insn.index());
      if (insn.scale() != 0) {
        code.loadConstant(insn.scale()).lshl();
      }
      if (any) {
        code.ladd();
      }
      any = true;
    }
    if (insn.displacement() != 0 || !any) {
      number(insn.displacement());
      if (any) {
        code.ladd();
      }
    }
    if (insn.addressMask() != -1) {
      number(insn.addressMask());
      code.land();
    }
  }

  /** Pushes the linear address of the memory operand. */
  void address(Insn insn) {
    offset(insn);
    if (insn.segment() != Segments.FLAT) {
      code.aload(CPU).getfield(CD_CPU, "segments", CD_SEGMENTS);
      code.loadConstant(insn.segment());
      code.invokevirtual(CD_SEGMENTS, "base", MethodTypeDesc.of(CD_long, CD_int)).ladd();
    }
  }

  /** Pushes what the memory operand holds. */
  void load(Insn insn, int size) {
    address(insn);
    loadAddressed(size);
  }

  /** Loads; the address is on the stack. */
  void loadAddressed(int size) {
    access("load" + size, CD_long, 1);
  }

  /** Stores; address and value are on the stack. */
  void storeAddressed(int size) {
    access("store" + size, CD_void, 2);
  }

  /** Stores; the address and both halves are on the stack. */
  void store16() {
    access("store16", CD_void, 3);
  }

  // Operands

  void readSource(Insn insn) {
    if (insn.src() >= 0) {
      read(insn.src(), insn.sourceSize());
    } else if (insn.src() == Insn.MEMORY) {
      load(insn, insn.sourceSize());
    } else {
      number(insn.immediate());
    }
  }

  void readFirst(Insn insn) {
    if (insn.dst() >= 0) {
      read(insn.dst(), insn.size());
    } else {
      load(insn, insn.size());
    }
  }

  /** Pushes the first operand, which will be written; its address is kept. */
  void readForUpdate(Insn insn) {
    if (insn.dst() >= 0) {
      read(insn.dst(), insn.size());
      return;
    }
    address(insn);
    code.lstore(ADDRESS);
    code.lload(ADDRESS);
    access("update" + insn.size(), CD_long, 1);
  }

  /** Writes a local variable to the first operand; its address was kept. */
  void update(Insn insn, int local) {
    if (insn.dst() >= 0) {
      code.lload(local);
      write(insn.dst(), insn.size());
      return;
    }
    code.lload(ADDRESS).lload(local);
    storeAddressed(insn.size());
  }

  // Flags

  void kind(int newKind) {
    int plain = newKind == LOGIC ? Flags.RESULT : newKind;
    code.loadConstant(plain).istore(KIND);
    known = newKind;
  }

  /** Records a result whose CF, OF and AF are a long on the stack. */
  void recordResult(int resultLocal) {
    if (!flagsMatter) {
      code.pop2();
      return;
    }
    code.lstore(LEFT);
    if (resultLocal != RESULT) {
      code.lload(resultLocal).lstore(RESULT);
    }
    kind(Flags.RESULT);
  }

  /** Records a bitwise operation. */
  void recordLogic(int resultLocal) {
    if (!flagsMatter) {
      return;
    }
    if (resultLocal != RESULT) {
      code.lload(resultLocal).lstore(RESULT);
    }
    code.lconst_0().lstore(LEFT);
    kind(LOGIC);
  }

  /** Records all six flags, a long on the stack. */
  void recordExplicit() {
    if (!flagsMatter) {
      code.pop2();
      return;
    }
    code.lstore(LEFT);
    kind(Flags.EXPLICIT);
  }

  private void recorded() {
    code.iload(KIND).lload(LEFT).lload(RIGHT).lload(RESULT);
  }

  /** Pushes CF as an int. */
  void carry() {
    recorded();
    code.invokestatic(
        CD_FLAGS,
        "carry",
        MethodTypeDesc.of(ConstantDescs.CD_boolean, CD_int, CD_long, CD_long, CD_long));
  }

  /** Pushes all six flags as an int. */
  void allFlags() {
    recorded();
    code.invokestatic(
        CD_FLAGS, "arithmetic", MethodTypeDesc.of(CD_int, CD_int, CD_long, CD_long, CD_long));
  }

  /** Jumps if the condition holds. */
  void branchIf(int condition, Label target) {
    if (known == Flags.SUBTRACTION && branchOnComparison(condition, target)) {
      return;
    }
    if (known >= 0 && known != Flags.EXPLICIT && branchOnResult(condition, target)) {
      return;
    }
    recorded();
    code.loadConstant(condition & 15);
    code.invokestatic(
        CD_FLAGS,
        "condition",
        MethodTypeDesc.of(ConstantDescs.CD_boolean, CD_int, CD_long, CD_long, CD_long, CD_int));
    code.ifne(target);
  }

  private boolean branchOnComparison(int condition, Label target) {
    switch (condition & 15) {
      case 2, 3, 6, 7 -> {
        code.lload(LEFT).lload(RIGHT);
        javaLong("compareUnsigned", MethodTypeDesc.of(CD_int, CD_long, CD_long));
      }
      case 4, 5, 12, 13, 14, 15 -> code.lload(LEFT).lload(RIGHT).lcmp();
      default -> {
        return false;
      }
    }
    code.branch(
        switch (condition & 15) {
          case 2, 12 -> Opcode.IFLT;
          case 3, 13 -> Opcode.IFGE;
          case 4 -> Opcode.IFEQ;
          case 5 -> Opcode.IFNE;
          case 6, 14 -> Opcode.IFLE;
          default -> Opcode.IFGT;
        },
        target);
    return true;
  }

  private boolean branchOnResult(int condition, Label target) {
    int number = condition & 15;
    boolean logic = known == LOGIC;
    Opcode jump =
        switch (number) {
          case 4 -> Opcode.IFEQ;
          case 5 -> Opcode.IFNE;
          case 8 -> Opcode.IFLT;
          case 9 -> Opcode.IFGE;
          case 6 -> logic ? Opcode.IFEQ : Opcode.NOP;
          case 7 -> logic ? Opcode.IFNE : Opcode.NOP;
          case 12 -> logic ? Opcode.IFLT : Opcode.NOP;
          case 13 -> logic ? Opcode.IFGE : Opcode.NOP;
          case 14 -> logic ? Opcode.IFLE : Opcode.NOP;
          case 15 -> logic ? Opcode.IFGT : Opcode.NOP;
          default -> Opcode.NOP;
        };
    if (jump == Opcode.NOP) {
      return false;
    }
    code.lload(RESULT).lconst_0().lcmp().branch(jump, target);
    return true;
  }

  // The whole state

  /** Takes what accesses of memory and of XMM registers need out of the processor. */
  void fetchUnits() {
    code.aload(CPU).getfield(CD_CPU, "memory", CD_MEMORY).dup();
    code.invokevirtual(CD_MEMORY, "ram", MethodTypeDesc.of(CD_SEGMENT)).astore(RAM);
    code.invokevirtual(CD_MEMORY, "slots", MethodTypeDesc.of(CD_LONGS)).astore(SLOTS);
    code.aload(CPU).getfield(CD_CPU, "sse", CD_SSE).getfield(CD_SSE, "xmm", CD_LONGS).astore(XMM);
    code.aload(CPU).getfield(CD_CPU, "floats", CD_FLOATS).astore(FLOATS);
  }

  /** Takes the registers the method uses out of the processor. */
  void fetchRegisters(int registers) {
    for (int i = 0; i < 16; i++) {
      if ((registers >>> i & 1) != 0) {
        gprs();
        code.loadConstant(i).laload().lstore(local(i));
      }
    }
  }

  /** Puts registers back into the processor. */
  void putRegisters(int registers) {
    for (int i = 0; i < 16; i++) {
      if ((registers >>> i & 1) != 0) {
        gprs();
        code.loadConstant(i).lload(local(i)).lastore();
      }
    }
  }

  private void gprs() {
    code.aload(CPU).getfield(CD_CPU, "gpr", CD_LONGS);
  }

  private void flags() {
    code.aload(CPU).getfield(CD_CPU, "flags", CD_FLAGS);
  }

  void fetchFlags() {
    flags();
    code.dup().invokevirtual(CD_FLAGS, "kind", MethodTypeDesc.of(CD_int)).istore(KIND);
    code.dup().invokevirtual(CD_FLAGS, "left", MethodTypeDesc.of(CD_long)).lstore(LEFT);
    code.dup().invokevirtual(CD_FLAGS, "right", MethodTypeDesc.of(CD_long)).lstore(RIGHT);
    code.invokevirtual(CD_FLAGS, "result", MethodTypeDesc.of(CD_long)).lstore(RESULT);
  }

  void putFlags() {
    flags();
    recorded();
    code.invokevirtual(
        CD_FLAGS, "record", MethodTypeDesc.of(CD_void, CD_int, CD_long, CD_long, CD_long));
  }

  /** Puts the count of instructions into the processor. */
  void putCount() {
    code.aload(CPU).lload(BEFORE).iload(COUNT).i2l().ladd();
    code.putfield(CD_CPU, "retired", CD_long);
  }

  /** Sets RIP to the value in the local variable. */
  void putRip() {
    code.aload(CPU).lload(RIP).putfield(CD_CPU, "rip", CD_long);
  }

  /** Returns the registers that the whole method uses. */
  int usedRegisters() {
    return usedRegisters;
  }
}
