// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.decode;

import dev.tealight.softcpu.internal.cpu.Cpu;
import dev.tealight.softcpu.internal.cpu.Insn;
import dev.tealight.softcpu.internal.cpu.Operation;
import dev.tealight.softcpu.internal.cpu.Segments;
import dev.tealight.softcpu.internal.fault.Vector;
import org.jspecify.annotations.Nullable;

/** Decodes one instruction at a time (Intel SDM volume 2, chapter 2). Not thread-safe. */
public final class Decoder {
  private static final OpcodeTable GENERAL = InstructionSet.general();
  private static final Operation UNDEFINED = new Insn.Unavailable(Vector.UNDEFINED);
  private static final Operation UNAVAILABLE = new Insn.Unavailable(Vector.DEVICE_NOT_AVAILABLE);

  private static final int REX_B = 1;
  private static final int REX_X = 2;
  private static final int REX_R = 4;
  private static final int REX_W = 8;

  private final CodeReader in;
  private final Cpu cpu;

  // Prefixes and settings of the current instruction

  private int codeBits;
  private int rex;
  private boolean rexPresent;
  private boolean operandPrefix;
  private boolean addressPrefix;
  private int repeat;
  private boolean lock;
  private int segmentPrefix;
  private int vexRegister;
  private boolean vex;

  // Parts of the current instruction

  /** One of the opcode maps of {@link OpcodeTable}. */
  private int map;

  /** The prefix that is part of the opcode. */
  private int mandatoryPrefix;

  private int opcodeByte;
  private int modRm;
  private int operandSize;
  private int addressSize;
  private int size;
  private int sourceSize;
  private int dst;
  private int src;
  private int third;
  private long immediate;
  private int base;
  private int index;
  private int scale;
  private long displacement;
  private boolean ripRelative;
  private int defaultSegment;
  private boolean hasMemory;

  private boolean endsBlock;

  public Decoder(Cpu cpu) {
    this.cpu = cpu;
    this.in = new CodeReader(cpu);
  }

  /** Returns whether the instruction decoded last must be the last of its block. */
  public boolean endsBlock() {
    return endsBlock;
  }

  /** Returns the physical page of the last byte of the instruction decoded last. */
  public long lastPage() {
    return in.lastPage();
  }

  /**
   * Decodes the instruction at {@code rip}.
   *
   * @param bits 64, 32 or 16
   */
  public Insn decode(long rip, int bits) {
    in.begin(rip);
    reset(bits);
    int first = readPrefixes();
    Opcode entry = readOpcode(first);
    if (entry == null || !existsHere(entry)) {
      return undefined(rip);
    }
    operandSize = operandSize(entry.width());
    if (entry.modRm()) {
      if (modRm < 0) {
        modRm = in.nextByte();
      }
      if (modRm < 0xC0) {
        readMemoryOperand();
      }
    }
    if (!readOperands(entry)) {
      return undefined(rip);
    }
    if (lock && (!entry.lockable() || dst != Insn.MEMORY)) {
      return undefined(rip);
    }
    endsBlock = entry.endsBlock();
    return build(rip, entry);
  }

  private void reset(int bits) {
    codeBits = bits;
    rex = 0;
    rexPresent = false;
    operandPrefix = false;
    addressPrefix = false;
    repeat = 0;
    lock = false;
    segmentPrefix = -1;
    vexRegister = 0;
    vex = false;
    map = OpcodeTable.MAP_ONE_BYTE;
    mandatoryPrefix = OpcodeTable.PREFIX_NONE;
    modRm = -1;
    size = 0;
    sourceSize = 0;
    dst = Insn.NONE;
    src = Insn.NONE;
    third = Insn.NONE;
    immediate = 0;
    base = Cpu.ZERO;
    index = Cpu.ZERO;
    scale = 0;
    displacement = 0;
    ripRelative = false;
    defaultSegment = Segments.DS;
    hasMemory = false;
    endsBlock = false;
  }

  /** Reads all prefixes; returns the first byte that is none. */
  private int readPrefixes() {
    while (true) {
      int value = in.nextByte();
      switch (value) {
        case 0x26 -> segmentPrefix = Segments.ES;
        case 0x2E -> segmentPrefix = Segments.CS;
        case 0x36 -> segmentPrefix = Segments.SS;
        case 0x3E -> segmentPrefix = Segments.DS;
        case 0x64 -> segmentPrefix = Segments.FS;
        case 0x65 -> segmentPrefix = Segments.GS;
        case 0x66 -> operandPrefix = true;
        case 0x67 -> addressPrefix = true;
        case 0xF0 -> lock = true;
        case 0xF2 -> repeat = Insn.REPNE;
        case 0xF3 -> repeat = Insn.REP;
        default -> {
          if (codeBits == 64 && (value & 0xF0) == 0x40) {
            rex = value;
            rexPresent = true;
            continue;
          }
          return value;
        }
      }
      rex = 0; // only counts directly before the opcode
      rexPresent = false;
    }
  }

  private @Nullable Opcode readOpcode(int first) {
    addressSize = addressSize();
    if (first == 0xC4 || first == 0xC5) {
      int following = in.nextByte();
      if (codeBits == 64 || following >= 0xC0) {
        return readVex(first, following);
      }
      modRm = following; // LES or LDS
      opcodeByte = first;
      return GENERAL.find(OpcodeTable.MAP_ONE_BYTE, OpcodeTable.PREFIX_NONE, first, modRm);
    }
    opcodeByte = first;
    if (first == 0x0F) {
      map = OpcodeTable.MAP_0F;
      opcodeByte = in.nextByte();
      if (opcodeByte == 0x38 || opcodeByte == 0x3A) {
        map = opcodeByte == 0x38 ? OpcodeTable.MAP_0F38 : OpcodeTable.MAP_0F3A;
        opcodeByte = in.nextByte();
      }
    }
    if (repeat == Insn.REP) {
      mandatoryPrefix = OpcodeTable.PREFIX_F3;
    } else if (repeat == Insn.REPNE) {
      mandatoryPrefix = OpcodeTable.PREFIX_F2;
    } else if (operandPrefix) {
      mandatoryPrefix = OpcodeTable.PREFIX_66;
    }
    return lookUp();
  }

  private @Nullable Opcode lookUp() {
    Opcode found = lookUp(GENERAL);
    return found != null ? found : lookUp(InstructionSet.vectors());
  }

  private @Nullable Opcode lookUp(OpcodeTable table) {
    if (modRm < 0 && table.isGroup(map, mandatoryPrefix, opcodeByte)) {
      modRm = in.nextByte();
    }
    return table.find(map, mandatoryPrefix, opcodeByte, modRm);
  }

  private @Nullable Opcode readVex(int first, int following) {
    if (operandPrefix || repeat != 0 || lock || rexPresent) {
      return null;
    }
    int opcodeMap = 1;
    int last = following;
    rex = (following & 0x80) == 0 ? REX_R : 0;
    if (first == 0xC4) {
      rex |= (following & 0x40) == 0 ? REX_X : 0;
      rex |= (following & 0x20) == 0 ? REX_B : 0;
      opcodeMap = following & 0x1F;
      last = in.nextByte();
      rex |= (last & 0x80) != 0 ? REX_W : 0;
    }
    if (codeBits != 64) {
      rex = 0;
    }
    vex = true;
    vexRegister = ~last >>> 3 & 15;
    boolean wide = (last & 4) != 0;
    opcodeByte = in.nextByte();
    map = OpcodeTable.VEX_MAPS + opcodeMap;
    mandatoryPrefix =
        switch (last & 3) {
          case 1 -> OpcodeTable.PREFIX_66;
          case 2 -> OpcodeTable.PREFIX_F3;
          case 3 -> OpcodeTable.PREFIX_F2;
          default -> OpcodeTable.PREFIX_NONE;
        };
    if (wide || opcodeMap < 1 || opcodeMap > 3) {
      return null;
    }
    return lookUp();
  }

  private boolean existsHere(Opcode entry) {
    return switch (entry.modes()) {
      case ALL -> true;
      case ONLY_64 -> codeBits == 64;
      case NOT_64 -> codeBits != 64;
    };
  }

  private int operandSize(Opcode.Width width) {
    if (codeBits == 64) {
      if ((rex & REX_W) != 0 || width == Opcode.Width.FORCED_64) {
        return 8;
      }
      if (operandPrefix) {
        return 2;
      }
      return width == Opcode.Width.DEFAULT_64 ? 8 : 4;
    }
    return codeBits == 32 ^ operandPrefix ? 4 : 2;
  }

  private int addressSize() {
    if (codeBits == 64) {
      return addressPrefix ? 4 : 8;
    }
    return codeBits == 32 ^ addressPrefix ? 4 : 2;
  }

  // ModRM

  private int reg() {
    return (modRm >>> 3 & 7) | (rex & REX_R) << 1;
  }

  private int rm() {
    return (modRm & 7) | (rex & REX_B) << 3;
  }

  private void readMemoryOperand() {
    hasMemory = true;
    if (addressSize == 2) {
      readMemoryOperand16();
      return;
    }
    int mod = modRm >>> 6;
    int rm = modRm & 7;
    if (rm == 4) {
      readSib(mod);
    } else if (mod == 0 && rm == 5) {
      displacement = in.next(4);
      ripRelative = codeBits == 64;
    } else {
      base = rm | (rex & REX_B) << 3;
    }
    if (mod == 1) {
      displacement = in.next(1);
    } else if (mod == 2) {
      displacement = in.next(4);
    }
    if (base == Cpu.RSP || base == Cpu.RBP) {
      defaultSegment = Segments.SS;
    }
  }

  private void readSib(int mod) {
    int sib = in.nextByte();
    int indexNumber = (sib >>> 3 & 7) | (rex & REX_X) << 2;
    if (indexNumber != Cpu.RSP) {
      index = indexNumber;
      scale = sib >>> 6;
    }
    if ((sib & 7) == 5 && mod == 0) {
      displacement = in.next(4);
    } else {
      base = (sib & 7) | (rex & REX_B) << 3;
    }
  }

  private void readMemoryOperand16() {
    int mod = modRm >>> 6;
    int rm = modRm & 7;
    if (mod == 0 && rm == 6) {
      displacement = in.next(2);
      return;
    }
    base =
        switch (rm) {
          case 0, 1, 7 -> Cpu.RBX;
          case 2, 3, 6 -> Cpu.RBP;
          case 4 -> Cpu.RSI;
          default -> Cpu.RDI;
        };
    if (rm < 4) {
      index = (rm & 1) == 0 ? Cpu.RSI : Cpu.RDI;
    }
    if (base == Cpu.RBP) {
      defaultSegment = Segments.SS;
    }
    if (mod == 1) {
      displacement = in.next(1);
    } else if (mod == 2) {
      displacement = in.next(2);
    }
  }

  // Operands

  private boolean readOperands(Opcode entry) {
    int position = 0;
    for (Operand operand : entry.operands()) {
      int place = place(operand);
      if (place == UNENCODABLE) {
        return false;
      }
      int bytes = operand.byteSize(operandSize, (rex & REX_W) != 0);
      if (position == 0) {
        dst = place == Insn.IMMEDIATE ? Insn.NONE : place;
        src = place == Insn.IMMEDIATE ? Insn.IMMEDIATE : Insn.NONE;
        size = place == Insn.IMMEDIATE ? operandSize : bytes;
        sourceSize = size;
      } else if (operand.place() == Operand.Place.VEX_GENERAL) {
        third = place;
      } else if (position == 1 || src == Insn.NONE) {
        src = place;
        sourceSize = bytes;
      } else if (place != Insn.IMMEDIATE) {
        third = place;
      }
      position++;
    }
    if (position == 0) {
      size = operandSize;
      sourceSize = operandSize;
    }
    return true;
  }

  private static final int UNENCODABLE = -9;

  /** Returns the register number, MEMORY or IMMEDIATE, and reads an immediate. */
  private int place(Operand operand) {
    return switch (operand.place()) {
      case GENERAL_OR_MEMORY -> hasMemory ? Insn.MEMORY : general(rm(), operand);
      case GENERAL -> general(reg(), operand);
      case GENERAL_RM -> rm(); // the mod bits of moves from and to control registers are ignored
      case MEMORY -> hasMemory ? Insn.MEMORY : UNENCODABLE;
      case IN_OPCODE -> general((opcodeByte & 7) | (rex & REX_B) << 3, operand);
      case VEX_GENERAL -> vexRegister;
      case CONTROL, DEBUG -> reg();
      case SEGMENT -> (modRm >>> 3 & 7) < 6 ? modRm >>> 3 & 7 : UNENCODABLE;
      case IMMEDIATE -> immediate(operand);
      case RELATIVE -> {
        long offset = in.next(operand.byteSize(operandSize, false));
        immediate = offset;
        yield Insn.IMMEDIATE;
      }
      case FAR_ADDRESS -> {
        immediate = Cpu.zeroExtend(in.next(operandSize), operandSize);
        third = (int) in.next(2) & 0xFFFF;
        yield Insn.IMMEDIATE;
      }
      case OFFSET -> {
        hasMemory = true;
        displacement = in.next(addressSize);
        yield Insn.MEMORY;
      }
      case XMM -> reg();
      case XMM_OR_MEMORY -> hasMemory ? Insn.MEMORY : rm();
      case XMM_RM -> hasMemory ? UNENCODABLE : rm();
      case MMX -> modRm >>> 3 & 7;
      case MMX_OR_MEMORY -> hasMemory ? Insn.MEMORY : modRm & 7;
      case MMX_RM -> hasMemory ? UNENCODABLE : modRm & 7;
      case X87 -> modRm & 7;
      case FIXED -> operand.register();
      case STRING -> Insn.NONE;
      case ONE -> {
        immediate = 1;
        yield Insn.IMMEDIATE;
      }
    };
  }

  private int general(int number, Operand operand) {
    boolean high = operand.size() == 'b' && !rexPresent && !vex && number >= 4 && number < 8;
    return high ? number - 4 + Cpu.AH : number;
  }

  private int immediate(Operand operand) {
    long value = in.next(operand.byteSize(operandSize, (rex & REX_W) != 0));
    if (src == Insn.IMMEDIATE && dst == Insn.NONE) {
      third = (int) value & 0xFF; // second immediate, of ENTER
      return Insn.IMMEDIATE;
    }
    immediate = value;
    return Insn.IMMEDIATE;
  }

  private Insn build(long rip, Opcode entry) {
    long next = rip + in.length();
    long ipMask = codeBits == 64 ? -1 : 0xFFFF_FFFFL;
    boolean relative =
        entry.operands().size() == 1
            && entry.operands().getFirst().place() == Operand.Place.RELATIVE;
    if (relative) {
      long mask = codeBits == 64 ? -1 : operandSize == 2 ? 0xFFFF : 0xFFFF_FFFFL;
      immediate = next + immediate & mask;
    }
    if (ripRelative) {
      displacement += next;
    }
    int prefixes =
        repeat
            | (lock ? Insn.LOCK : 0)
            | (rexPresent ? Insn.REX : 0)
            | ((rex & REX_W) != 0 ? Insn.REX_W : 0)
            | (operandPrefix ? Insn.OPERAND_SIZE : 0);
    long addressMask = addressSize == 8 ? -1 : addressSize == 4 ? 0xFFFF_FFFFL : 0xFFFF;
    return new Insn(
        operation(entry),
        entry.text(),
        rip,
        next & ipMask,
        opcodeByte,
        size,
        sourceSize,
        dst,
        src,
        third,
        immediate,
        base,
        index,
        scale,
        displacement,
        addressMask,
        segment(),
        prefixes,
        addressSize);
  }

  /** Returns what it does, or the fault if the unit it needs is switched off. */
  private Operation operation(Opcode entry) {
    int off =
        switch (entry.unit()) {
          case INTEGER -> 0;
          case X87 -> cpu.system.x87Fault();
          case MMX -> cpu.system.mmxFault();
          case SSE -> cpu.system.sseFault();
        };
    return switch (off) {
      case 0 -> entry.operation();
      case Vector.UNDEFINED -> UNDEFINED;
      default -> UNAVAILABLE;
    };
  }

  private int segment() {
    if (codeBits == 64) {
      return segmentPrefix >= Segments.FS ? segmentPrefix : Segments.FLAT;
    }
    return segmentPrefix >= 0 ? segmentPrefix : defaultSegment;
  }

  private Insn undefined(long rip) {
    endsBlock = true;
    operandSize = 4;
    return new Insn(
        UNDEFINED,
        "undefined instruction "
            + in.bytes()
            + Unsupported.named(map, mandatoryPrefix, opcodeByte, modRm),
        rip,
        rip + in.length(),
        opcodeByte,
        4,
        4,
        Insn.NONE,
        Insn.NONE,
        Insn.NONE,
        0,
        Cpu.ZERO,
        Cpu.ZERO,
        0,
        0,
        -1,
        Segments.FLAT,
        0,
        addressSize);
  }
}
