// SPDX-License-Identifier: ISC
package dev.tealight.softcpu.internal.decode;

import dev.tealight.softcpu.internal.cpu.Operation;
import dev.tealight.softcpu.internal.op.Arithmetic;
import dev.tealight.softcpu.internal.op.BitOperations;
import dev.tealight.softcpu.internal.op.Logic;
import dev.tealight.softcpu.internal.op.Moves;
import dev.tealight.softcpu.internal.op.MultiplyDivide;
import dev.tealight.softcpu.internal.op.Shifts;
import dev.tealight.softcpu.internal.op.Stack;
import dev.tealight.softcpu.internal.op.Strings;

/** Opcodes of the integer instructions. */
final class IntegerInstructions {
  private IntegerInstructions() {}

  static void define(OpcodeTable t) {
    arithmetic(t);
    groups(t);
    moves(t);
    stack(t);
    strings(t);
    twoByte(t);
    bitManipulation(t);
  }

  private static void arithmetic(OpcodeTable t) {
    regular(t, 0x00, "ADD", Arithmetic::add);
    regular(t, 0x08, "OR", Logic::or);
    regular(t, 0x10, "ADC", Arithmetic::adc);
    regular(t, 0x18, "SBB", Arithmetic::sbb);
    regular(t, 0x20, "AND", Logic::and);
    regular(t, 0x28, "SUB", Arithmetic::sub);
    regular(t, 0x30, "XOR", Logic::xor);
    regular(t, 0x38, "CMP", Arithmetic::cmp);
    t.define("27 i64", "DAA", Arithmetic::daa);
    t.define("2F i64", "DAS", Arithmetic::das);
    t.define("37 i64", "AAA", Arithmetic::aaa);
    t.define("3F i64", "AAS", Arithmetic::aas);
    t.define("D4 i64", "AAM Ib", Arithmetic::aam);
    t.define("D5 i64", "AAD Ib", Arithmetic::aad);
    t.define("40+r i64", "INC Zv", Arithmetic::inc);
    t.define("48+r i64", "DEC Zv", Arithmetic::dec);
    t.define("69", "IMUL Gv,Ev,Iz", MultiplyDivide::imul3);
    t.define("6B", "IMUL Gv,Ev,Ib", MultiplyDivide::imul3);
    t.define("84", "TEST Eb,Gb", Logic::test);
    t.define("85", "TEST Ev,Gv", Logic::test);
    t.define("A8", "TEST AL,Ib", Logic::test);
    t.define("A9", "TEST rAX,Iz", Logic::test);
  }

  /** The six forms of the eight regular operations, and their place in group 1. */
  private static void regular(OpcodeTable t, int opcode, String name, Operation operation) {
    t.define(hex(opcode) + " lock", name + " Eb,Gb", operation);
    t.define(hex(opcode + 1) + " lock", name + " Ev,Gv", operation);
    t.define(hex(opcode + 2), name + " Gb,Eb", operation);
    t.define(hex(opcode + 3), name + " Gv,Ev", operation);
    t.define(hex(opcode + 4), name + " AL,Ib", operation);
    t.define(hex(opcode + 5), name + " rAX,Iz", operation);
    String group = " /" + opcode / 8 + (opcode == 0x38 ? "" : " lock");
    t.define("80" + group, name + " Eb,Ib", operation);
    t.define("81" + group, name + " Ev,Iz", operation);
    t.define("82 i64" + group, name + " Eb,Ib", operation);
    t.define("83" + group, name + " Ev,Ib", operation);
  }

  private static String hex(int opcode) {
    return Integer.toHexString(0x100 | opcode).substring(1);
  }

  private static void groups(OpcodeTable t) {
    shift(t, 0, "ROL", Shifts::rol);
    shift(t, 1, "ROR", Shifts::ror);
    shift(t, 2, "RCL", Shifts::rcl);
    shift(t, 3, "RCR", Shifts::rcr);
    shift(t, 4, "SHL", Shifts::shl);
    shift(t, 5, "SHR", Shifts::shr);
    shift(t, 6, "SHL", Shifts::shl);
    shift(t, 7, "SAR", Shifts::sar);

    t.define("F6 /0", "TEST Eb,Ib", Logic::test);
    t.define("F6 /1", "TEST Eb,Ib", Logic::test);
    t.define("F6 /2 lock", "NOT Eb", Logic::not);
    t.define("F6 /3 lock", "NEG Eb", Arithmetic::neg);
    t.define("F6 /4", "MUL Eb", MultiplyDivide::mul);
    t.define("F6 /5", "IMUL Eb", MultiplyDivide::imul1);
    t.define("F6 /6", "DIV Eb", MultiplyDivide::div);
    t.define("F6 /7", "IDIV Eb", MultiplyDivide::idiv);
    t.define("F7 /0", "TEST Ev,Iz", Logic::test);
    t.define("F7 /1", "TEST Ev,Iz", Logic::test);
    t.define("F7 /2 lock", "NOT Ev", Logic::not);
    t.define("F7 /3 lock", "NEG Ev", Arithmetic::neg);
    t.define("F7 /4", "MUL Ev", MultiplyDivide::mul);
    t.define("F7 /5", "IMUL Ev", MultiplyDivide::imul1);
    t.define("F7 /6", "DIV Ev", MultiplyDivide::div);
    t.define("F7 /7", "IDIV Ev", MultiplyDivide::idiv);

    t.define("FE /0 lock", "INC Eb", Arithmetic::inc);
    t.define("FE /1 lock", "DEC Eb", Arithmetic::dec);
    t.define("FF /0 lock", "INC Ev", Arithmetic::inc);
    t.define("FF /1 lock", "DEC Ev", Arithmetic::dec);
    t.define("FF /6 d64", "PUSH Ev", Stack::push);
    t.define("8F /0 d64", "POP Ev", Stack::pop);
  }

  private static void shift(OpcodeTable t, int reg, String name, Operation operation) {
    t.define("C0 /" + reg, name + " Eb,Ib", operation);
    t.define("C1 /" + reg, name + " Ev,Ib", operation);
    t.define("D0 /" + reg, name + " Eb,1", operation);
    t.define("D1 /" + reg, name + " Ev,1", operation);
    t.define("D2 /" + reg, name + " Eb,CL", operation);
    t.define("D3 /" + reg, name + " Ev,CL", operation);
  }

  private static void moves(OpcodeTable t) {
    t.define("63 o64", "MOVSXD Gv,Ed", Moves::mov);
    t.define("86 lock", "XCHG Eb,Gb", Moves::xchg);
    t.define("87 lock", "XCHG Ev,Gv", Moves::xchg);
    t.define("88", "MOV Eb,Gb", Moves::mov);
    t.define("89", "MOV Ev,Gv", Moves::mov);
    t.define("8A", "MOV Gb,Eb", Moves::mov);
    t.define("8B", "MOV Gv,Ev", Moves::mov);
    t.define("8D", "LEA Gv,Mv", Moves::lea);
    t.define("90+r", "XCHG Zv,rAX", Moves::xchg);
    t.define("90", "NOP Zv,rAX", Moves::nopOrXchg);
    t.define("F3 90", "PAUSE", Moves::nop);
    t.define("98", "CBW", Moves::cbw);
    t.define("99", "CWD", Moves::cwd);
    t.define("9E", "SAHF", Moves::sahf);
    t.define("9F", "LAHF", Moves::lahf);
    t.define("A0", "MOV AL,Ob", Moves::mov);
    t.define("A1", "MOV rAX,Ov", Moves::mov);
    t.define("A2", "MOV Ob,AL", Moves::mov);
    t.define("A3", "MOV Ov,rAX", Moves::mov);
    t.define("B0+r", "MOV Zb,Ib", Moves::mov);
    t.define("B8+r", "MOV Zv,Iv", Moves::mov);
    t.define("C6 /0", "MOV Eb,Ib", Moves::mov);
    t.define("C7 /0", "MOV Ev,Iz", Moves::mov);
    t.define("D6 i64", "SALC", Moves::salc);
    t.define("D7", "XLAT", Moves::xlat);
    t.define("F5", "CMC", Moves::cmc);
    t.define("F8", "CLC", Moves::clc);
    t.define("F9", "STC", Moves::stc);
    t.define("FC", "CLD", Moves::cld);
    t.define("FD", "STD", Moves::std);
  }

  private static void stack(OpcodeTable t) {
    t.define("50+r d64", "PUSH Zv", Stack::push);
    t.define("58+r d64", "POP Zv", Stack::pop);
    t.define("60 i64", "PUSHA", Stack::pusha);
    t.define("61 i64", "POPA", Stack::popa);
    t.define("68 d64", "PUSH Iz", Stack::push);
    t.define("6A d64", "PUSH Ib", Stack::push);
    t.define("9C d64", "PUSHF", Stack::pushf);
    t.define("9D d64 end", "POPF", Stack::popf);
    t.define("C8 d64", "ENTER Iw,Ib", Stack::enter);
    t.define("C9 d64", "LEAVE", Stack::leave);
  }

  private static void strings(OpcodeTable t) {
    t.define("A4 end", "MOVS Yb,Xb", Strings::movs);
    t.define("A5 end", "MOVS Yv,Xv", Strings::movs);
    t.define("A6 end", "CMPS Xb,Yb", Strings::cmps);
    t.define("A7 end", "CMPS Xv,Yv", Strings::cmps);
    t.define("AA end", "STOS Yb,AL", Strings::stos);
    t.define("AB end", "STOS Yv,rAX", Strings::stos);
    t.define("AC end", "LODS AL,Xb", Strings::lods);
    t.define("AD end", "LODS rAX,Xv", Strings::lods);
    t.define("AE end", "SCAS AL,Yb", Strings::scas);
    t.define("AF end", "SCAS rAX,Yv", Strings::scas);
  }

  private static void twoByte(OpcodeTable t) {
    t.define("0F 0D /0 mem", "PREFETCH Mb", Moves::nop);
    t.define("0F 0D /1 mem", "PREFETCHW Mb", Moves::nop);
    t.define("0F 0D /2 mem", "PREFETCHWT1 Mb", Moves::nop);
    t.define("0F 18 mem", "PREFETCH Mb", Moves::nop);
    t.define("0F 18 reg", "NOP Ev", Moves::nop);
    for (int opcode = 0x19; opcode <= 0x1F; opcode++) {
      t.define("0F " + hex(opcode), "NOP Ev", Moves::nop); // hint space; ENDBR64 is in it
    }
    t.define("0F 40+cc", "CMOVcc Gv,Ev", Moves::cmov);
    t.define("0F 90+cc", "SETcc Eb", Moves::setcc);
    t.define("0F A3", "BT Ev,Gv", BitOperations::bt);
    t.define("0F AB lock", "BTS Ev,Gv", BitOperations::bts);
    t.define("0F B3 lock", "BTR Ev,Gv", BitOperations::btr);
    t.define("0F BB lock", "BTC Ev,Gv", BitOperations::btc);
    t.define("0F BA /4", "BT Ev,Ib", BitOperations::bt);
    t.define("0F BA /5 lock", "BTS Ev,Ib", BitOperations::bts);
    t.define("0F BA /6 lock", "BTR Ev,Ib", BitOperations::btr);
    t.define("0F BA /7 lock", "BTC Ev,Ib", BitOperations::btc);
    t.define("0F A4", "SHLD Ev,Gv,Ib", Shifts::shld);
    t.define("0F A5", "SHLD Ev,Gv,CL", Shifts::shld);
    t.define("0F AC", "SHRD Ev,Gv,Ib", Shifts::shrd);
    t.define("0F AD", "SHRD Ev,Gv,CL", Shifts::shrd);
    t.define("0F AF", "IMUL Gv,Ev", MultiplyDivide::imul2);
    t.define("0F B0 lock", "CMPXCHG Eb,Gb", Arithmetic::cmpxchg);
    t.define("0F B1 lock", "CMPXCHG Ev,Gv", Arithmetic::cmpxchg);
    t.define("0F B6", "MOVZX Gv,Eb", Moves::movzx);
    t.define("0F B7", "MOVZX Gv,Ew", Moves::movzx);
    t.define("0F BE", "MOVSX Gv,Eb", Moves::mov);
    t.define("0F BF", "MOVSX Gv,Ew", Moves::mov);
    t.define("0F BC", "BSF Gv,Ev", BitOperations::bsf);
    t.define("0F BD", "BSR Gv,Ev", BitOperations::bsr);
    t.define("F3 0F B8", "POPCNT Gv,Ev", BitOperations::popcnt);
    t.define("F3 0F BC", "TZCNT Gv,Ev", BitOperations::tzcnt);
    t.define("F3 0F BD", "LZCNT Gv,Ev", BitOperations::lzcnt);
    t.define("0F C0 lock", "XADD Eb,Gb", Arithmetic::xadd);
    t.define("0F C1 lock", "XADD Ev,Gv", Arithmetic::xadd);
    t.define("NP 0F C3 mem", "MOVNTI My,Gy", Moves::mov);
    t.define("0F C7 /1 mem lock", "CMPXCHG8B My", Arithmetic::cmpxchg8b);
    t.define("0F C8+r", "BSWAP Zv", BitOperations::bswap);
    t.define("0F AE =E8", "LFENCE", Moves::fence);
    t.define("0F AE =F0", "MFENCE", Moves::fence);
    t.define("0F AE =F8", "SFENCE", Moves::fence);
  }

  private static void bitManipulation(OpcodeTable t) {
    t.define("NP 0F38 F0 mem", "MOVBE Gv,Mv", BitOperations::movbe);
    t.define("NP 0F38 F1 mem", "MOVBE Mv,Gv", BitOperations::movbe);
    t.define("66 0F38 F0 mem", "MOVBE Gv,Mv", BitOperations::movbe);
    t.define("66 0F38 F1 mem", "MOVBE Mv,Gv", BitOperations::movbe);
    t.define("F2 0F38 F0", "CRC32 Gy,Eb", BitOperations::crc32);
    t.define("F2 0F38 F1", "CRC32 Gy,Ev", BitOperations::crc32);
    t.define("66 0F38 F6", "ADCX Gy,Ey", Arithmetic::adcx);
    t.define("F3 0F38 F6", "ADOX Gy,Ey", Arithmetic::adox);
    t.define("VEX NP 0F38 F2", "ANDN Gy,By,Ey", BitOperations::andn);
    t.define("VEX NP 0F38 F3 /1", "BLSR By,Ey", BitOperations::blsr);
    t.define("VEX NP 0F38 F3 /2", "BLSMSK By,Ey", BitOperations::blsmsk);
    t.define("VEX NP 0F38 F3 /3", "BLSI By,Ey", BitOperations::blsi);
    t.define("VEX NP 0F38 F5", "BZHI Gy,Ey,By", BitOperations::bzhi);
    t.define("VEX F3 0F38 F5", "PEXT Gy,By,Ey", BitOperations::pext);
    t.define("VEX F2 0F38 F5", "PDEP Gy,By,Ey", BitOperations::pdep);
    t.define("VEX F2 0F38 F6", "MULX Gy,By,Ey", MultiplyDivide::mulx);
    t.define("VEX NP 0F38 F7", "BEXTR Gy,Ey,By", BitOperations::bextr);
    t.define("VEX 66 0F38 F7", "SHLX Gy,Ey,By", Shifts::shlx);
    t.define("VEX F3 0F38 F7", "SARX Gy,Ey,By", Shifts::sarx);
    t.define("VEX F2 0F38 F7", "SHRX Gy,Ey,By", Shifts::shrx);
    t.define("VEX F2 0F3A F0", "RORX Gy,Ey,Ib", Shifts::rorx);
  }
}
